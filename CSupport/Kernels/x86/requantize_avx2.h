// The last step of the AVX2 kernels: the reference's own float operations, eight channels at a time.
#pragma once
#include "../tiles.h"
#include <immintrin.h>

#define RB_AVX2 __attribute__((target("avx2")))

// Eight channels of one pixel: accumulators to int32 results, output.zero_point included. `residual` may be NULL.
RB_AVX2 static inline __m256i rb_requantize8_avx2(const rb_conv_shape *s, __m256i sums, const float *multiplier,
                                                  const uint8_t *residual) {
    __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(multiplier));
    if (residual != NULL) {
        const __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)residual));
        const __m256 centred = _mm256_cvtepi32_ps(_mm256_sub_epi32(bytes, _mm256_set1_epi32(s->residual.zero_point)));
        value = _mm256_add_ps(value, _mm256_mul_ps(centred, _mm256_set1_ps(s->residual_multiplier)));
    }
    value = _mm256_max_ps(value, _mm256_set1_ps((float)(s->output_min - s->output.zero_point)));
    value = _mm256_min_ps(value, _mm256_set1_ps((float)(s->output_max - s->output.zero_point)));
    return _mm256_add_epi32(_mm256_cvtps_epi32(value), _mm256_set1_epi32(s->output.zero_point));
}

// One pixel of one block of a tile: its 16 accumulators to the output.
RB_AVX2 static inline void rb_requantize_avx2(const rb_tile *tile, int32_t pixel, int32_t block, __m256i sums0,
                                              __m256i sums1) {
    const rb_conv_shape *s = &tile->conv->shape;
    const float *multiplier = rb_tile_block(tile, block)->multiplier;
    uint8_t copy[RB_BLOCK_CHANNELS];
    const uint8_t *residual = s->residual.height != 0 ? rb_residual_block(tile, pixel, block, copy) : NULL;
    const __m256i low = rb_requantize8_avx2(s, sums0, multiplier, residual);
    const __m256i high = rb_requantize8_avx2(s, sums1, multiplier + 8, residual != NULL ? residual + 8 : NULL);
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8); // undoes the lane interleave
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    if (tile->channels - block * RB_BLOCK_CHANNELS >= RB_BLOCK_CHANNELS) {
        uint8_t *output = tile->output + (size_t)pixel * s->output.pixel_stride + block * RB_BLOCK_CHANNELS;
        _mm_storeu_si128((__m128i *)output, bytes);
    } else {
        _mm_storeu_si128((__m128i *)copy, bytes);
        rb_store_block(tile, pixel, block, copy);
    }
}
