// The last step of the AVX-512 kernels: the reference's own float operations, sixteen channels at a time.
//
// The reference clamps before it rounds; here the lower bound is applied after, to the finished bytes. Both bounds are
// whole numbers, so rounding and clamping give the same in either order. The upper bound comes first, because a float
// too large for an int32 converts to the most negative one; a float too small does too, and is then clamped as it
// should be.
#pragma once
#include "../tiles.h"
#include <immintrin.h>

#define RB_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

// What requantisation needs of a convolution, in registers.
typedef struct {
    __m512 high;                 // output_max - output.zero_point
    __m512i zero_point;          // of the output, in 16-bit lanes
    __m512i low;                 // output_min, in bytes
    __m512i residual_zero_point; // in 32-bit lanes
    __m512 residual_multiplier;
} rb_requantize_avx512;

RB_AVX512 static inline rb_requantize_avx512 rb_make_requantize_avx512(const rb_conv_shape *s) {
    return (rb_requantize_avx512){
        .high = _mm512_set1_ps((float)(s->output_max - s->output.zero_point)),
        .zero_point = _mm512_set1_epi16((int16_t)s->output.zero_point),
        .low = _mm512_set1_epi8((char)s->output_min),
        .residual_zero_point = _mm512_set1_epi32(s->residual.zero_point),
        .residual_multiplier = _mm512_set1_ps(s->residual_multiplier),
    };
}

// The lanes of a block whose channels exist: channels `begin` ... `begin` + 15 of 0 ... `channels` - 1.
RB_AVX512 static inline __mmask16 rb_existing_avx512(int32_t begin, int32_t channels) {
    const int32_t end = channels - begin;
    const uint32_t below_end = end >= RB_BLOCK_CHANNELS ? 0xFFFF : end <= 0 ? 0 : (1u << end) - 1;
    const uint32_t below_begin = begin >= 0 ? 0 : begin <= -RB_BLOCK_CHANNELS ? 0xFFFF : (1u << -begin) - 1;
    return (__mmask16)(below_end & ~below_begin);
}

// Sixteen accumulators to int32 results without the output's zero point, not yet clamped from below.
RB_AVX512 static inline __m512i rb_scale_avx512(const rb_requantize_avx512 *r, __m512i sums, __m512 multiplier) {
    const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), multiplier);
    return _mm512_cvtps_epi32(_mm512_min_ps(value, r->high));
}

// The same, with sixteen residual bytes added.
RB_AVX512 static inline __m512i rb_scale_add_avx512(const rb_requantize_avx512 *r, __m512i sums, __m512 multiplier,
                                                    __m128i residual) {
    const __m512i bytes = _mm512_cvtepu8_epi32(residual);
    const __m512 centred = _mm512_cvtepi32_ps(_mm512_sub_epi32(bytes, r->residual_zero_point));
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), multiplier);
    const __m512 value = _mm512_add_ps(product, _mm512_mul_ps(centred, r->residual_multiplier));
    return _mm512_cvtps_epi32(_mm512_min_ps(value, r->high));
}

// Four times sixteen int32 results to 64 bytes, within 128-bit lanes: dword 4 * lane + i comes from operand i.
RB_AVX512 static inline __m512i rb_pack_in_lanes_avx512(const rb_requantize_avx512 *r, __m512i a, __m512i b, __m512i c,
                                                        __m512i d) {
    const __m512i words0 = _mm512_adds_epi16(_mm512_packs_epi32(a, b), r->zero_point);
    const __m512i words1 = _mm512_adds_epi16(_mm512_packs_epi32(c, d), r->zero_point);
    return _mm512_max_epu8(_mm512_packus_epi16(words0, words1), r->low);
}

// Four times sixteen int32 results to 64 bytes in order.
RB_AVX512 static inline __m512i rb_pack_avx512(const rb_requantize_avx512 *r, __m512i a, __m512i b, __m512i c,
                                               __m512i d) {
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    return _mm512_permutexvar_epi32(order, rb_pack_in_lanes_avx512(r, a, b, c, d));
}
