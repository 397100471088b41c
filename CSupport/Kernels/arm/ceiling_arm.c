// An empty assembly statement that may change a register keeps the compiler from working a product out once.
#include "../ceiling.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>

// 8 products a vmull, 8 more a vmlal, and the addition of neighbours that accumulates both: 16 in three instructions.
uint64_t rb_ceiling_neon(uint32_t rounds) {
    enum { SUMS = 8 }; // armv7 has 16 registers
    int32x4_t sums[SUMS];
    int8x8_t a = vdup_n_s8(3), b = vdup_n_s8(5);
    for (int32_t i = 0; i < SUMS; i++) {
        sums[i] = vdupq_n_s32(0);
    }
    for (uint32_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < SUMS; i++) {
            __asm__ volatile("" : "+w"(a), "+w"(b));
            sums[i] = vpadalq_s16(sums[i], vmlal_s8(vmull_s8(a, b), b, a));
        }
    }
    for (int32_t i = 0; i < SUMS; i++) {
        __asm__ volatile("" ::"w"(sums[i]));
    }
    return (uint64_t)rounds * SUMS * 16;
}
#endif
