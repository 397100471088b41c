// See ceiling_neon.c.
#include "../ceiling.h"

#if defined(__aarch64__)
#include <arm_neon.h>

// 32 products an instruction.
__attribute__((target("i8mm"))) uint64_t rb_ceiling_i8mm(uint32_t rounds) {
    int32x4_t sums[RB_CEILING_SUMS];
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(5);
    for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
        sums[i] = vdupq_n_s32(0);
    }
    for (uint32_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
            __asm__ volatile("" : "+w"(a), "+w"(b));
            sums[i] = vmmlaq_s32(sums[i], a, b);
        }
    }
    for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
        __asm__ volatile("" ::"w"(sums[i]));
    }
    return (uint64_t)rounds * RB_CEILING_SUMS * 32;
}
#endif
