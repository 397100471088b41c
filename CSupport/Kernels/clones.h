// The operations that have one implementation are compiled once for every family of instruction sets that makes wider
// vectors of the same loops. The bits stay: floats are rounded one operation at a time, and contraction is off.
#pragma once
#include "conv.h"

#define RB_INLINE __attribute__((always_inline)) static inline

#if defined(__x86_64__)
#define RB_TARGET_AVX2 __attribute__((target("avx2")))

// Defines rb_NAME_run, an rb_part_function, of `share`, an inlined function of a structure and a share.
#define RB_CLONES(name, share)                                                                                         \
    static void share##__plain(const name *work, int32_t part, int32_t parts) {                                        \
        share(work, part, parts);                                                                                      \
    }                                                                                                                  \
    RB_TARGET_AVX2 static void share##__avx2(const name *work, int32_t part, int32_t parts) {                          \
        share(work, part, parts);                                                                                      \
    }                                                                                                                  \
    void name##_run(void *work, int32_t part, int32_t parts, int32_t thread) {                                         \
        (void)thread;                                                                                                  \
        const name *operation = work;                                                                                  \
        switch (operation->path) {                                                                                     \
        case RB_PATH_AVX2:                                                                                             \
        case RB_PATH_AVXVNNI:                                                                                          \
        case RB_PATH_AVX512VNNI:                                                                                       \
            return share##__avx2(operation, part, parts);                                                              \
        default:                                                                                                       \
            return share##__plain(operation, part, parts);                                                             \
        }                                                                                                              \
    }
#else
#define RB_CLONES(name, share)                                                                                         \
    void name##_run(void *work, int32_t part, int32_t parts, int32_t thread) {                                         \
        (void)thread;                                                                                                  \
        share((const name *)work, part, parts);                                                                        \
    }
#endif
