// The instructions stand as assembly, one a statement, because a compiler would see that their results are never used.
#include "../ceiling.h"

#if defined(__x86_64__)
#include <immintrin.h>

// 16 products and their sums in pairs a vpmaddwd, and the addition that accumulates them.
__attribute__((target("avx2"))) uint64_t rb_ceiling_avx2(uint32_t rounds) {
    __m256i sums[RB_CEILING_SUMS];
    const __m256i a = _mm256_set1_epi16(3), b = _mm256_set1_epi16(5);
    for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
        sums[i] = _mm256_setzero_si256();
    }
    for (uint32_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
            __m256i pairs;
            __asm__ volatile("vpmaddwd %1, %2, %0" : "=x"(pairs) : "x"(a), "x"(b));
            __asm__ volatile("vpaddd %1, %0, %0" : "+x"(sums[i]) : "x"(pairs));
        }
    }
    return (uint64_t)rounds * RB_CEILING_SUMS * 16;
}

// 32 products a vpdpbusd, in the encoding of AVX-VNNI.
__attribute__((target("avx2,avxvnni"))) uint64_t rb_ceiling_avxvnni(uint32_t rounds) {
    __m256i sums[RB_CEILING_SUMS];
    const __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
    for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
        sums[i] = _mm256_setzero_si256();
    }
    for (uint32_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
            __asm__ volatile("%{vex%} vpdpbusd %1, %2, %0" : "+x"(sums[i]) : "x"(a), "x"(b));
        }
    }
    return (uint64_t)rounds * RB_CEILING_SUMS * 32;
}

// 64 products a vpdpbusd.
__attribute__((target("avx512f,avx512vnni"))) uint64_t rb_ceiling_avx512vnni(uint32_t rounds) {
    __m512i sums[RB_CEILING_SUMS];
    const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
    for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
        sums[i] = _mm512_setzero_si512();
    }
    for (uint32_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < RB_CEILING_SUMS; i++) {
            __asm__ volatile("vpdpbusd %1, %2, %0" : "+v"(sums[i]) : "v"(a), "v"(b));
        }
    }
    return (uint64_t)rounds * RB_CEILING_SUMS * 64;
}
#endif
