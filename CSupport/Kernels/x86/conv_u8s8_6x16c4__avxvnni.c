// Six pixels times sixteen output channels in twelve accumulators, for AVX-VNNI: vpdpbusd on 256-bit registers, which
// processors without AVX-512 have too. See the AVX-512 kernel.
#include "../tiles.h"

#if defined(__x86_64__)
#include "requantize_avx2.h"
#include <string.h>

#define RB_AVXVNNI __attribute__((target("avx2,avxvnni")))
enum { TILE_PIXELS = 6 };

RB_AVXVNNI static inline void accumulate(const rb_tile *tile, __m256i sums[TILE_PIXELS][2]) {
    const rb_block16 *block = rb_tile_block(tile, 0);
    const int8_t *weights = block->weights;
    for (int32_t p = 0; p < TILE_PIXELS; p++) {
        sums[p][0] = _mm256_load_si256((const __m256i *)block->bias);
        sums[p][1] = _mm256_load_si256((const __m256i *)(block->bias + 8));
    }
    for (int32_t tap = 0; tap < tile->taps; tap++) {
        const uint8_t *inputs[TILE_PIXELS];
        for (int32_t p = 0; p < TILE_PIXELS; p++) {
            inputs[p] = tile->inputs[(size_t)tap * RB_TABLE_PIXELS + p] + tile->input_offset;
        }
        for (int64_t i = 0; i < tile->tap_bytes; i += 4, weights += 4 * RB_BLOCK_CHANNELS) {
            const __m256i weights0 = _mm256_load_si256((const __m256i *)weights);
            const __m256i weights1 = _mm256_load_si256((const __m256i *)(weights + 32));
            for (int32_t p = 0; p < TILE_PIXELS; p++) {
                int32_t four;
                memcpy(&four, inputs[p] + i, sizeof four);
                const __m256i repeated = _mm256_set1_epi32(four);
                sums[p][0] = _mm256_dpbusd_avx_epi32(sums[p][0], repeated, weights0);
                sums[p][1] = _mm256_dpbusd_avx_epi32(sums[p][1], repeated, weights1);
            }
        }
    }
}

RB_AVXVNNI static void run_tile(const rb_tile *tile) {
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

void conv_u8s8_6x16c4__avxvnni(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {TILE_PIXELS}, run_tile};
    rb_run_tiles(conv, &tiling);
}
#endif
