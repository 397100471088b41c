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
    const rb_conv_shape *s = &tile->conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    const int32_t rounded_inputs = (int32_t)rb_round_up((size_t)s->input.channels, 4);
    const int8_t *weights = tile->block->weights;
    for (int32_t p = 0; p < TILE_PIXELS; p++) {
        sums[p][0] = _mm256_load_si256((const __m256i *)tile->block->bias);
        sums[p][1] = _mm256_load_si256((const __m256i *)(tile->block->bias + 8));
    }
    for (int32_t tap = 0; tap < taps; tap++) {
        const uint8_t *const *pixels = tile->taps + (size_t)tap * RB_STRIP_PIXELS;
        for (int32_t i = 0; i < rounded_inputs; i += 2, weights += 2 * RB_BLOCK_CHANNELS) {
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
    __m256i registers[TILE_PIXELS][2];
    int32_t sums[TILE_PIXELS][RB_BLOCK_CHANNELS];
    accumulate(tile, registers);
    for (int32_t p = 0; p < TILE_PIXELS; p++) {
        _mm256_storeu_si256((__m256i *)sums[p], registers[p][0]);
        _mm256_storeu_si256((__m256i *)(sums[p] + 8), registers[p][1]);
    }
    for (int32_t p = 0; p < tile->pixels; p++) {
        rb_requantize_avx2(tile, p, sums[p]);
    }
}

void conv_u8s8_4x16c2__avx2(const rb_conv *conv) {
    rb_run_tiles(conv, TILE_PIXELS, run_tile);
}
#endif
