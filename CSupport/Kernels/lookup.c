// A table of 256 bytes in registers. AVX2 has 16 shuffles for it, which take as long as 32 loads.
#include "lookup.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

void rb_lookup_bytes__plain(const uint8_t table[256], const uint8_t *input, uint8_t *output, size_t count) {
    for (size_t i = 0; i < count; i++) {
        output[i] = table[input[i]];
    }
}

#if defined(__x86_64__)
// A permutation of 128 bytes takes the lower seven bits of an index; the eighth chooses between two of them.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static void
lookup_bytes__avx512vbmi(const uint8_t table[256], const uint8_t *input, uint8_t *output, size_t count) {
    const __m512i first = _mm512_loadu_si512(table), second = _mm512_loadu_si512(table + 64);
    const __m512i third = _mm512_loadu_si512(table + 128), fourth = _mm512_loadu_si512(table + 192);
    for (size_t i = 0; i < count; i += 64) {
        const __mmask64 mask = count - i >= 64 ? ~(__mmask64)0 : (((__mmask64)1 << (count - i)) - 1);
        const __m512i index = _mm512_maskz_loadu_epi8(mask, input + i);
        const __m512i lower = _mm512_permutex2var_epi8(first, index, second);
        const __m512i upper = _mm512_permutex2var_epi8(third, index, fourth);
        _mm512_mask_storeu_epi8(output + i, mask, _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower, upper));
    }
}
#elif defined(__aarch64__)
// An index outside a part of 64 bytes keeps what the parts before gave.
static void lookup_bytes__neon(const uint8_t table[256], const uint8_t *input, uint8_t *output, size_t count) {
    const uint8x16x4_t first = vld1q_u8_x4(table), second = vld1q_u8_x4(table + 64);
    const uint8x16x4_t third = vld1q_u8_x4(table + 128), fourth = vld1q_u8_x4(table + 192);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const uint8x16_t index = vld1q_u8(input + i);
        uint8x16_t result = vqtbl4q_u8(first, index);
        result = vqtbx4q_u8(result, second, vsubq_u8(index, vdupq_n_u8(64)));
        result = vqtbx4q_u8(result, third, vsubq_u8(index, vdupq_n_u8(128)));
        result = vqtbx4q_u8(result, fourth, vsubq_u8(index, vdupq_n_u8(192)));
        vst1q_u8(output + i, result);
    }
    rb_lookup_bytes__plain(table, input + i, output + i, count - i);
}
#endif

rb_lookup_bytes rb_lookup_bytes_of(rb_path path) {
    switch (path) {
#if defined(__x86_64__)
    case RB_PATH_AVX512VNNI:
        return __builtin_cpu_supports("avx512vbmi") ? lookup_bytes__avx512vbmi : rb_lookup_bytes__plain;
#elif defined(__aarch64__)
    case RB_PATH_NEON:
    case RB_PATH_DOTPROD:
    case RB_PATH_I8MM:
        return lookup_bytes__neon;
#endif
    default:
        return rb_lookup_bytes__plain;
    }
}
