// What one core can multiply at most on a path: `rounds` rounds of its best instructions on registers alone.
#include "ceiling.h"

enum { ARRAY_BYTES = 256 };

// The plain C path has no instruction of its own: a dot product that stays in the first cache, as good as the compiler
// makes it.
static uint64_t reference(uint32_t rounds) {
    uint8_t activations[ARRAY_BYTES] = {3};
    int8_t weights[ARRAY_BYTES] = {5};
    int32_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        const uint8_t *a = activations;
        const int8_t *w = weights;
        __asm__ volatile("" : "+r"(a), "+r"(w)::"memory");
        for (int32_t i = 0; i < ARRAY_BYTES; i++) {
            sum += a[i] * w[i];
        }
    }
    __asm__ volatile("" ::"r"(sum));
    return (uint64_t)rounds * ARRAY_BYTES;
}

uint64_t rb_ceiling_run(rb_path path, uint32_t rounds) {
    switch (path) {
#if defined(__x86_64__)
    case RB_PATH_AVX2:
        return rb_ceiling_avx2(rounds);
    case RB_PATH_AVXVNNI:
        return rb_ceiling_avxvnni(rounds);
    case RB_PATH_AVX512VNNI:
        return rb_ceiling_avx512vnni(rounds);
#endif
#if defined(__ARM_NEON)
    case RB_PATH_NEON:
        return rb_ceiling_neon(rounds);
#endif
#if defined(__aarch64__)
    case RB_PATH_DOTPROD:
        return rb_ceiling_dotprod(rounds);
    case RB_PATH_I8MM:
        return rb_ceiling_i8mm(rounds);
#endif
    default: // the reference, and paths of other processors
        break;
    }
    return reference(rounds);
}
