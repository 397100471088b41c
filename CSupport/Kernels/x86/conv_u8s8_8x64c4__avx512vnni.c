// Up to eight pixels times up to 64 output channels, for AVX-512 with VNNI. vpdpbusd adds four products of unsigned
// activations and signed weights to each of sixteen int32, without an intermediate that could saturate.
//
// One step takes four input channels: a register of weights for each block, and for each pixel its four bytes repeated
// across a register. 8 x 16, 8 x 32, 8 x 48 and 6 x 64 accumulators fill the 32 registers, and from 32 channels on
// there are more multiplications than loads. Every number of pixels and blocks is a function of its own, so that all
// accumulators are registers.
#include "../tiles.h"

#if defined(__x86_64__)
#include "requantize_avx512.h"
#include <string.h>

#define TILE RB_AVX512 __attribute__((always_inline)) static inline

typedef __m512i sums_of_tile[RB_TILE_PIXELS][RB_TILE_BLOCKS];

// Four neighbouring input channels of one pixel, repeated across the register.
TILE __m512i broadcast_four(const uint8_t *pixel) {
    int32_t four;
    memcpy(&four, pixel, sizeof four);
    return _mm512_set1_epi32(four);
}

TILE void accumulate(const rb_tile *tile, const int32_t pixels, const int32_t blocks, sums_of_tile sums) {
#pragma clang loop unroll(full)
    for (int32_t b = 0; b < blocks; b++) {
        const __m512i bias = _mm512_load_si512(rb_tile_block(tile, b)->bias);
#pragma clang loop unroll(full)
        for (int32_t p = 0; p < pixels; p++) {
            sums[p][b] = bias;
        }
    }
    const int8_t *weights = rb_tile_block(tile, 0)->weights;
    for (int32_t tap = 0; tap < tile->taps; tap++) {
        const uint8_t *inputs[RB_TILE_PIXELS];
#pragma clang loop unroll(full)
        for (int32_t p = 0; p < pixels; p++) {
            inputs[p] = tile->inputs[(size_t)tap * RB_TABLE_PIXELS + p] + tile->input_offset;
        }
        for (int64_t i = 0; i < tile->tap_bytes; i += 4, weights += 4 * RB_BLOCK_CHANNELS) {
            __m512i block_weights[RB_TILE_BLOCKS];
            _mm_prefetch((const char *)weights + tile->ahead, _MM_HINT_T1);
#pragma clang loop unroll(full)
            for (int32_t b = 0; b < blocks; b++) {
                block_weights[b] = _mm512_load_si512(weights + (size_t)b * tile->block_bytes);
            }
#pragma clang loop unroll(full)
            for (int32_t p = 0; p < pixels; p++) {
                const __m512i four = broadcast_four(inputs[p] + i);
#pragma clang loop unroll(full)
                for (int32_t b = 0; b < blocks; b++) {
                    sums[p][b] = _mm512_dpbusd_epi32(sums[p][b], four, block_weights[b]);
                }
            }
        }
    }
}

// Whether every channel of the tile exists, in the output and in the residual if there is one.
TILE bool is_whole(const rb_tile *tile, const int32_t blocks) {
    const rb_conv_shape *s = &tile->conv->shape;
    const int32_t first = tile->first_channel - s->residual_channel_offset;
    return tile->channels == blocks * RB_BLOCK_CHANNELS &&
           (s->residual.height == 0 || (first >= 0 && first + tile->channels <= s->residual.channels));
}

// Requantises one register of accumulators of a tile.
TILE __m512i scale(const rb_tile *tile, const rb_requantize_avx512 *r, int32_t p, int32_t b, bool add, bool whole,
                   __m512i sums) {
    const __m512 multiplier = _mm512_load_ps(rb_tile_block(tile, b)->multiplier);
    if (!add) {
        return rb_scale_avx512(r, sums, multiplier);
    }
    const rb_conv_shape *s = &tile->conv->shape;
    const int32_t begin = tile->first_channel + b * RB_BLOCK_CHANNELS - s->residual_channel_offset;
    const uint8_t *residual = tile->residual[p] + begin;
    if (whole) {
        return rb_scale_add_avx512(r, sums, multiplier, _mm_loadu_si128((const __m128i *)residual));
    }
    const __m128i absent = _mm_set1_epi8((char)s->residual.zero_point); // adds nothing
    const __mmask16 mask = rb_existing_avx512(begin, s->residual.channels);
    return rb_scale_add_avx512(r, sums, multiplier, _mm_mask_loadu_epi8(absent, mask, residual));
}

// Stores sixteen bytes of one pixel and block.
TILE void store(const rb_tile *tile, int32_t p, int32_t b, bool whole, __m128i bytes) {
    uint8_t *output = tile->output + (size_t)p * tile->conv->shape.output.pixel_stride + b * RB_BLOCK_CHANNELS;
    if (whole) {
        _mm_storeu_si128((__m128i *)output, bytes);
    } else {
        _mm_mask_storeu_epi8(output, rb_existing_avx512(b * RB_BLOCK_CHANNELS, tile->channels), bytes);
    }
}

// Four registers of accumulators become 64 bytes at a time: registers 4i ... 4i + 3 of the tile, pixel after pixel.
TILE void requantize(const rb_tile *tile, const int32_t pixels, const int32_t blocks, const bool add, const bool whole,
                     sums_of_tile sums) {
    const rb_requantize_avx512 r = rb_make_requantize_avx512(&tile->conv->shape);
#pragma clang loop unroll(full)
    for (int32_t first = 0; first < pixels * blocks; first += 4) {
        __m512i scaled[4];
#pragma clang loop unroll(full)
        for (int32_t i = 0; i < 4; i++) {
            const int32_t index = first + i < pixels * blocks ? first + i : first;
            const int32_t p = index / blocks, b = index % blocks;
            scaled[i] = i > 0 && index == first ? scaled[0] : scale(tile, &r, p, b, add, whole, sums[p][b]);
        }
        const __m512i bytes = rb_pack_avx512(&r, scaled[0], scaled[1], scaled[2], scaled[3]);
        if (blocks == 4 && whole) {
            _mm512_storeu_si512(tile->output + (size_t)(first / 4) * tile->conv->shape.output.pixel_stride, bytes);
            continue;
        }
        store(tile, first / blocks, first % blocks, whole, _mm512_castsi512_si128(bytes));
        if (first + 1 < pixels * blocks) {
            store(tile, (first + 1) / blocks, (first + 1) % blocks, whole, _mm512_extracti32x4_epi32(bytes, 1));
        }
        if (first + 2 < pixels * blocks) {
            store(tile, (first + 2) / blocks, (first + 2) % blocks, whole, _mm512_extracti32x4_epi32(bytes, 2));
        }
        if (first + 3 < pixels * blocks) {
            store(tile, (first + 3) / blocks, (first + 3) % blocks, whole, _mm512_extracti32x4_epi32(bytes, 3));
        }
    }
}

TILE void run(const rb_tile *tile, const int32_t pixels, const int32_t blocks) {
    sums_of_tile sums;
    accumulate(tile, pixels, blocks, sums);
    const bool add = tile->conv->shape.residual.height != 0;
    if (!is_whole(tile, blocks)) {
        requantize(tile, pixels, blocks, add, false, sums);
    } else if (add) {
        requantize(tile, pixels, blocks, true, true, sums);
    } else {
        requantize(tile, pixels, blocks, false, true, sums);
    }
}

// One function for each number of pixels and blocks.
#define RUN(pixels, blocks)                                                                                            \
    RB_AVX512 static void run_##pixels##x##blocks(const rb_tile *tile) {                                               \
        run(tile, pixels, blocks);                                                                                     \
    }
#define RUN_ALL(blocks)                                                                                                \
    RUN(1, blocks)                                                                                                     \
    RUN(2, blocks)                                                                                                     \
    RUN(3, blocks)                                                                                                     \
    RUN(4, blocks)                                                                                                     \
    RUN(5, blocks)                                                                                                     \
    RUN(6, blocks)                                                                                                     \
    RUN(7, blocks)                                                                                                     \
    RUN(8, blocks)
#define ROW(blocks)                                                                                                    \
    {                                                                                                                  \
        run_1x##blocks, run_2x##blocks, run_3x##blocks, run_4x##blocks, run_5x##blocks, run_6x##blocks,                \
            run_7x##blocks, run_8x##blocks                                                                             \
    }
RUN_ALL(1)
RUN_ALL(2)
RUN_ALL(3)
RUN_ALL(4)

static void run_tile(const rb_tile *tile) {
    static void (*const functions[RB_TILE_BLOCKS][RB_TILE_PIXELS])(const rb_tile *tile) = {ROW(1), ROW(2), ROW(3),
                                                                                           ROW(4)};
    functions[tile->block_count - 1][tile->pixels - 1](tile);
}

void conv_u8s8_8x64c4__avx512vnni(const rb_conv *conv) {
    static const rb_tiling tiling = {RB_TILE_BLOCKS, {8, 8, 8, 6}, run_tile};
    rb_run_tiles(conv, &tiling);
}
#endif
