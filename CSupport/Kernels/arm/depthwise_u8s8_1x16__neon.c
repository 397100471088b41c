// Depthwise convolutions, a filter a channel, for aarch64 and armv7 with NEON: sixteen channels of one pixel at a time.
// Two taps are multiplied with smull and smlal into 16 bits and added to 32-bit sums. Two products are at most
// 128 * (|w0| + |w1|), which fits 16 bits unless both weights are -128; a block in which two such weights meet adds
// each product by itself.
#include "../depthwise.h"

#if defined(__ARM_NEON)
#include "requantize_neon.h"
#include "weights_neon.h"

enum { NINE = 9 };

// Adds 16 products of 16 bits to 16 sums.
RB_INLINE void add_products(int32x4_t sums[4], int16x8_t low, int16x8_t high) {
    sums[0] = vaddw_s16(sums[0], vget_low_s16(low));
    sums[1] = vaddw_s16(sums[1], vget_high_s16(low));
    sums[2] = vaddw_s16(sums[2], vget_low_s16(high));
    sums[3] = vaddw_s16(sums[3], vget_high_s16(high));
}

RB_INLINE void add_tap(int32x4_t sums[4], int8x16_t x, int8x16_t w) {
    add_products(sums, vmull_s8(vget_low_s8(x), vget_low_s8(w)), vmull_s8(vget_high_s8(x), vget_high_s8(w)));
}

RB_INLINE void add_two_taps(int32x4_t sums[4], const int8x16_t x[2], const int8x16_t w[2]) {
    const int16x8_t low = vmull_s8(vget_low_s8(x[0]), vget_low_s8(w[0]));
    const int16x8_t high = vmull_s8(vget_high_s8(x[0]), vget_high_s8(w[0]));
    add_products(sums, vmlal_s8(low, vget_low_s8(x[1]), vget_low_s8(w[1])),
                 vmlal_s8(high, vget_high_s8(x[1]), vget_high_s8(w[1])));
}

RB_INLINE int8x16_t load_input(const rb_tile *tile, int32_t tap, int32_t pixel) {
    return vld1q_s8((const int8_t *)tile->inputs[(size_t)tap * RB_TABLE_PIXELS + pixel] + tile->input_offset);
}

RB_INLINE void add_pair(const rb_tile *tile, int32_t tap, int32_t pixel, const int8x16_t w[2], bool apart,
                        int32x4_t sums[4]) {
    const int8x16_t x[2] = {load_input(tile, tap, pixel), load_input(tile, tap + 1, pixel)};
    if (apart) {
        add_tap(sums, x[0], w[0]);
        add_tap(sums, x[1], w[1]);
    } else {
        add_two_taps(sums, x, w);
    }
}

static void store(const rb_tile *tile, const rb_requantization *r, int32_t pixel, const int32x4_t sums[4]) {
    float32x4_t values[4];
    rb_scale(r, sums, values);
    const int8x16_t bytes = rb_round_and_clamp(r, values, false);
    int8_t *output = (int8_t *)tile->output + (size_t)pixel * (size_t)tile->conv->shape.output.pixel_stride;
    if (tile->channels == RB_BLOCK_CHANNELS) {
        vst1q_s8(output, bytes);
    } else {
        // A last block that is not whole begins before its first own channel, so that it can be read whole.
        int8_t copy[RB_BLOCK_CHANNELS];
        vst1q_s8(copy, bytes);
        rb_copy_some(output, copy + (tile->first_channel - tile->input_offset), tile->channels);
    }
}

RB_INLINE void load_bias(const rb_block16 *block, int32x4_t sums[4]) {
    for (int32_t quad = 0; quad < 4; quad++) {
        sums[quad] = vld1q_s32(block->bias + 4 * quad);
    }
}

// A 3x3 kernel: the weights stay in registers.
RB_INLINE void run_nine(const rb_tile *tile, const rb_requantization *r, bool apart) {
    const rb_block16 *block = rb_tile_block(tile, 0);
    int8x16_t w[NINE];
    for (int32_t tap = 0; tap < NINE; tap++) {
        w[tap] = vld1q_s8(block->weights + RB_BLOCK_CHANNELS * tap);
    }
    for (int32_t p = 0; p < tile->pixels; p++) {
        int32x4_t sums[4];
        load_bias(block, sums);
        RB_UNROLL
        for (int32_t tap = 0; tap + 2 <= NINE; tap += 2) {
            add_pair(tile, tap, p, w + tap, apart, sums);
        }
        add_tap(sums, load_input(tile, NINE - 1, p), w[NINE - 1]);
        store(tile, r, p, sums);
    }
}

RB_INLINE void run_any(const rb_tile *tile, const rb_requantization *r, bool apart) {
    const rb_block16 *block = rb_tile_block(tile, 0);
    for (int32_t p = 0; p < tile->pixels; p++) {
        int32x4_t sums[4];
        load_bias(block, sums);
        const int8_t *weights = block->weights;
        int32_t tap = 0;
        for (; tap + 2 <= tile->taps; tap += 2, weights += 2 * RB_BLOCK_CHANNELS) {
            const int8x16_t w[2] = {vld1q_s8(weights), vld1q_s8(weights + RB_BLOCK_CHANNELS)};
            add_pair(tile, tap, p, w, apart, sums);
        }
        if (tap < tile->taps) {
            add_tap(sums, load_input(tile, tap, p), vld1q_s8(weights));
        }
        store(tile, r, p, sums);
    }
}

static void run_depthwise_strip(const rb_tile *tile) {
    const rb_requantization r = rb_requantization_of(tile);
    const bool apart = rb_least_weights_meet(rb_tile_block(tile, 0)->weights, tile->taps / 2, RB_BLOCK_CHANNELS);
    if (tile->taps == NINE && apart) {
        run_nine(tile, &r, true);
    } else if (tile->taps == NINE) {
        run_nine(tile, &r, false);
    } else if (apart) {
        run_any(tile, &r, true);
    } else {
        run_any(tile, &r, false);
    }
}

void depthwise_u8s8_1x16__neon(const rb_conv *conv) {
    static const rb_tiling tiling = {1, {RB_STRIP_PIXELS}, run_depthwise_strip};
    rb_run_tiles_of_blocks(conv, &tiling, (size_t)rb_dw16_bytes(&conv->shape));
}
#endif
