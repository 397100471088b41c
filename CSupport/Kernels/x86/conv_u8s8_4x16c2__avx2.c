// Four pixels times sixteen output channels in eight accumulators. Bytes are widened to 16 bits and multiplied in pairs
// of input channels with vpmaddwd, whose 32-bit sums of two products cannot overflow: |sum| <= 2 * 255 * 128. (The
// shorter vpmaddubsw saturates at 16 bits, and so is not exact.)
#include "../tiles.h"

#if defined(__x86_64__)
#include "requantize_avx2.h"
#include <string.h>

enum { TILE_PIXELS = 4 };

// A pair of neighbouring input channels of one pixel, widened to 16 bits and repeated across the register.
RB_AVX2 static inline __m256i broadcast_pair(const uint8_t *pixel) {
    int16_t pair;
    memcpy(&pair, pixel, sizeof pair);
    return _mm256_unpacklo_epi8(_mm256_set1_epi16(pair), _mm256_setzero_si256());
}

// Weights of eight output channels for one pair of input channels, widened to 16 bits.
RB_AVX2 static inline __m256i widen_weights(const int8_t *weights) {
    return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)weights));
}

RB_AVX2 static inline void accumulate(const rb_tile *tile, __m256i sums[TILE_PIXELS][2]) {
    const rb_block16 *block = rb_tile_block(tile, 0);
    const int8_t *weights = block->weights;
    for (int32_t p = 0; p < TILE_PIXELS; p++) {
        sums[p][0] = _mm256_load_si256((const __m256i *)block->bias);
        sums[p][1] = _mm256_load_si256((const __m256i *)(block->bias + 8));
    }
    for (int32_t tap = 0; tap < tile->taps; tap++) {
        const uint8_t *const *pixels = tile->inputs + (size_t)tap * RB_TABLE_PIXELS;
        const int32_t end = tile->input_offset + tile->tap_bytes;
        for (int32_t i = tile->input_offset; i < end; i += 2, weights += 2 * RB_BLOCK_CHANNELS) {
            const __m256i weights0 = widen_weights(weights), weights1 = widen_weights(weights + 16);
            for (int32_t p = 0; p < TILE_PIXELS; p++) {
                const __m256i pair = broadcast_pair(pixels[p] + i);
                sums[p][0] = _mm256_add_epi32(sums[p][0], _mm256_madd_epi16(pair, weights0));
                sums[p][1] = _mm256_add_epi32(sums[p][1], _mm256_madd_epi16(pair, weights1));
            }
        }
    }
}

RB_AVX2 static void run_tile(const rb_tile *tile) {
    __m256i sums[TILE_PIXELS][2];
    accumulate(tile, sums);
// Indices that are constants keep the sums in registers.
#pragma clang loop unroll(full)
    for (int32_t p = 0; p < TILE_PIXELS; p++) {
        if (p < tile->pixels) {
            rb_requantize_avx2(tile, p, 0, sums[p][0], sums[p][1]);
        }
    }
}

void conv_u8s8_4x16c2__avx2(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {TILE_PIXELS}, run_tile};
    rb_run_tiles(conv, &tiling);
}
#endif
