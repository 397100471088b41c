// 3x3 convolutions with stride 1 by Winograd's minimal filtering, for processors without dot products: F(4x4, 3x3)
// takes 36 multiplications for 16 outputs instead of 144, F(2x2, 3x3) 16 for 4 instead of 36 (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2016). `side` is 4 or 2. Everything is integers, and exact:
// - The filter transform has denominators of 24 (2), so packed weights are 24 * 24 = 576 (4) times too large; of F(4x4)
//   the sixth row and column are 4 times less, which the output transform makes up for. Packed weights reach
//   12 * 12 * 128 = 18432 (4 * 4 * 128), transformed activations 10 * 10 * 128 = 12800 (2 * 2 * 128): they fit 16 bits.
// - Sums and the output transform are computed modulo 2^32. What comes out is 576 s (4 s) modulo 2^32, where s is the
//   convolution's own sum. F(4x4): multiplied by the inverse of 9 modulo 2^32 it is 64 s modulo 2^32, and shifted right
//   by 6 it is s, as |s| < 2^25: 9 * 128 input channels * 128 * 128 is less. F(2x2): shifted right by 2 it is s, as
//   |s| < 2^29 by the bound that the verifier keeps.
#pragma once
#include "../winograd.h"
#include "requantize_neon.h"

#define INVERSE_OF_9 954437177 // modulo 2^32

enum {
    SIDE = 4,   // most output pixels a side of a tile
    WINDOW = 6, // most input pixels a side of a tile
    TOGETHER = RB_WINOGRAD_TOGETHER,
#if defined(__aarch64__)
    REGISTER_TILES = 4,
#else
    REGISTER_TILES = 1, // half the registers
#endif
};

typedef struct {
    const rb_conv *conv;
    const int8_t *zero_points; // a pixel of them
    int16_t *inputs;           // transformed: [position][tile][input channel]
    int32_t *products;         // [position][tile][output channel of a block]
    int32_t channels;          // of the input, rounded up to a multiple of 8
    int32_t side, window, tiles_across;
} work;

// One dimension of the input transform.
RB_INLINE void transform_inputs(int32_t side, const int16x8_t d[WINDOW], int16x8_t v[WINDOW]) {
    if (side == 2) {
        v[0] = vsubq_s16(d[0], d[2]);
        v[1] = vaddq_s16(d[1], d[2]);
        v[2] = vsubq_s16(d[2], d[1]);
        v[3] = vsubq_s16(d[1], d[3]);
        return;
    }
    const int16x8_t a = vmlsq_n_s16(d[4], d[2], 4), b = vmlsq_n_s16(d[3], d[1], 4);
    const int16x8_t c = vsubq_s16(d[4], d[2]), e = vshlq_n_s16(vsubq_s16(d[3], d[1]), 1);
    v[0] = vaddq_s16(vmlsq_n_s16(vshlq_n_s16(d[0], 2), d[2], 5), d[4]);
    v[1] = vaddq_s16(a, b);
    v[2] = vsubq_s16(a, b);
    v[3] = vaddq_s16(c, e);
    v[4] = vsubq_s16(c, e);
    v[5] = vaddq_s16(vmlsq_n_s16(vshlq_n_s16(d[1], 2), d[3], 5), d[5]);
}

// One dimension of the output transform.
RB_INLINE void transform_products(int32_t side, const int32x4_t m[WINDOW], int32x4_t y[SIDE]) {
    const int32x4_t sum12 = vaddq_s32(m[1], m[2]), difference12 = vsubq_s32(m[1], m[2]);
    if (side == 2) {
        y[0] = vaddq_s32(m[0], sum12);
        y[1] = vsubq_s32(difference12, m[3]);
        return;
    }
    const int32x4_t sum34 = vaddq_s32(m[3], m[4]), difference34 = vsubq_s32(m[3], m[4]);
    y[0] = vaddq_s32(vaddq_s32(m[0], sum12), sum34);
    y[1] = vmlaq_n_s32(difference12, difference34, 2);
    y[2] = vmlaq_n_s32(sum12, sum34, 4);
    y[3] = vmlaq_n_s32(vmlaq_n_s32(difference12, difference34, 8), m[5], 4);
}

// The input pixels under a tile; those outside the input are the zero points.
static inline void find_pixels(const work *w, int32_t tile, const int8_t *pixels[WINDOW][WINDOW]) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t top = tile / w->tiles_across * w->side - s->padding_top;
    const int32_t left = tile % w->tiles_across * w->side - s->padding_left;
    const bool columns_exist = left >= 0 && left + w->window <= s->input.width;
    for (int32_t y = 0; y < w->window; y++) {
        const bool row_exists = top + y >= 0 && top + y < s->input.height;
        const int8_t *row = (const int8_t *)w->conv->input + (row_exists ? rb_pixel_offset(&s->input, top + y, 0) : 0);
        for (int32_t x = 0; x < w->window; x++) {
            const bool exists = row_exists && (columns_exist || (left + x >= 0 && left + x < s->input.width));
            pixels[y][x] = exists ? row + (size_t)(left + x) * (size_t)s->input.pixel_stride : w->zero_points;
        }
    }
}

// Eight input channels of one tile.
RB_INLINE void transform_eight(int32_t side, const int8_t *const pixels[WINDOW][WINDOW], int32_t channel,
                               int16_t *inputs, size_t position_step) {
    int16x8_t columns[WINDOW][WINDOW]; // [row after the first dimension][column]
    RB_UNROLL
    for (int32_t x = 0; x < side + 2; x++) {
        int16x8_t d[WINDOW], v[WINDOW];
        RB_UNROLL
        for (int32_t y = 0; y < side + 2; y++) {
            d[y] = vmovl_s8(vld1_s8(pixels[y][x] + channel));
        }
        transform_inputs(side, d, v);
        RB_UNROLL
        for (int32_t y = 0; y < side + 2; y++) {
            columns[y][x] = v[y];
        }
    }
    RB_UNROLL
    for (int32_t y = 0; y < side + 2; y++) {
        int16x8_t v[WINDOW];
        transform_inputs(side, columns[y], v);
        RB_UNROLL
        for (int32_t x = 0; x < side + 2; x++) {
            vst1q_s16(inputs, v[x]);
            inputs += position_step;
        }
    }
}

RB_INLINE void transform_tile(int32_t side, const work *w, int32_t tile, int32_t place) {
    const int8_t *pixels[WINDOW][WINDOW];
    find_pixels(w, tile, pixels);
    const size_t position_step = (size_t)TOGETHER * (size_t)w->channels;
    int16_t *inputs = w->inputs + (size_t)place * (size_t)w->channels;
    for (int32_t channel = 0; channel < w->channels; channel += 8) {
        transform_eight(side, (const int8_t *const(*)[WINDOW])pixels, channel, inputs + channel, position_step);
    }
}

// Adds eight input channels, of which x holds four, times the weights of 16 output channels.
#define MULTIPLY_ADD(x, lane)                                                                                          \
    do {                                                                                                               \
        const int16x8_t w0 = vld1q_s16(weights), w1 = vld1q_s16(weights + 8);                                          \
        weights += RB_BLOCK_CHANNELS;                                                                                  \
        RB_UNROLL                                                                                                      \
        for (int32_t t = 0; t < REGISTER_TILES; t++) {                                                                 \
            sums[t][0] = vmlal_lane_s16(sums[t][0], vget_low_s16(w0), x[t], lane);                                     \
            sums[t][1] = vmlal_lane_s16(sums[t][1], vget_high_s16(w0), x[t], lane);                                    \
            sums[t][2] = vmlal_lane_s16(sums[t][2], vget_low_s16(w1), x[t], lane);                                     \
            sums[t][3] = vmlal_lane_s16(sums[t][3], vget_high_s16(w1), x[t], lane);                                    \
        }                                                                                                              \
    } while (0)

// One position of REGISTER_TILES tiles and 16 output channels, over all input channels.
RB_INLINE void multiply_position(const int16_t *inputs, int32_t channels, const int16_t *weights, int32_t *products) {
    int32x4_t sums[REGISTER_TILES][4];
    RB_UNROLL
    for (int32_t i = 0; i < REGISTER_TILES * 4; i++) {
        sums[i / 4][i % 4] = vdupq_n_s32(0);
    }
    for (int32_t channel = 0; channel < channels; channel += 8) {
        int16x4_t low[REGISTER_TILES], high[REGISTER_TILES];
        RB_UNROLL
        for (int32_t t = 0; t < REGISTER_TILES; t++) {
            const int16x8_t x = vld1q_s16(inputs + t * channels + channel);
            low[t] = vget_low_s16(x);
            high[t] = vget_high_s16(x);
        }
        MULTIPLY_ADD(low, 0);
        MULTIPLY_ADD(low, 1);
        MULTIPLY_ADD(low, 2);
        MULTIPLY_ADD(low, 3);
        MULTIPLY_ADD(high, 0);
        MULTIPLY_ADD(high, 1);
        MULTIPLY_ADD(high, 2);
        MULTIPLY_ADD(high, 3);
    }
    RB_UNROLL
    for (int32_t i = 0; i < REGISTER_TILES * 4; i++) {
        vst1q_s32(products + 4 * i, sums[i / 4][i % 4]);
    }
}

static inline void multiply_block(const work *w, const rb_winograd16 *block) {
    const int16_t *inputs = w->inputs, *weights = block->weights;
    int32_t *products = w->products;
    for (int32_t position = 0; position < w->window * w->window;
         position++, weights += (size_t)w->channels * RB_BLOCK_CHANNELS) {
        for (int32_t t = 0; t < TOGETHER; t += REGISTER_TILES) {
            multiply_position(inputs, w->channels, weights, products);
            inputs += (size_t)REGISTER_TILES * (size_t)w->channels;
            products += REGISTER_TILES * RB_BLOCK_CHANNELS;
        }
    }
}

// Four output channels of one tile: the accumulators of its pixels.
RB_INLINE void transform_quad(int32_t side, const int32_t *products, int32x4_t bias, int32_t *sums) {
    int32x4_t rows[SIDE][WINDOW];
    RB_UNROLL
    for (int32_t x = 0; x < side + 2; x++) {
        int32x4_t m[WINDOW], y[SIDE];
        RB_UNROLL
        for (int32_t i = 0; i < side + 2; i++) {
            m[i] = vld1q_s32(products + (i * (side + 2) + x) * TOGETHER * RB_BLOCK_CHANNELS);
        }
        transform_products(side, m, y);
        RB_UNROLL
        for (int32_t i = 0; i < side; i++) {
            rows[i][x] = y[i];
        }
    }
    RB_UNROLL
    for (int32_t y = 0; y < side; y++) {
        int32x4_t outputs[SIDE];
        transform_products(side, rows[y], outputs);
        RB_UNROLL
        for (int32_t x = 0; x < side; x++) {
            const int32x4_t sum =
                side == 4 ? vshrq_n_s32(vmulq_n_s32(outputs[x], INVERSE_OF_9), 6) : vshrq_n_s32(outputs[x], 2);
            vst1q_s32(sums + (y * side + x) * RB_BLOCK_CHANNELS, vaddq_s32(sum, bias));
        }
    }
}

// The accumulators of a tile, [pixel of the tile][output channel], to the output.
RB_INLINE void store_tile(int32_t side, const work *w, rb_tile *output, const rb_requantization *r, int32_t tile,
                          const int32_t *sums) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t top = tile / w->tiles_across * side, left = tile % w->tiles_across * side;
    const uint8_t *residual[SIDE];
    output->residual = residual;
    output->pixels = s->output.width - left < side ? s->output.width - left : side;
    for (int32_t y = 0; y < side && top + y < s->output.height; y++, sums += side * RB_BLOCK_CHANNELS) {
        output->output = w->conv->output + rb_pixel_offset(&s->output, top + y, left) + output->first_channel;
        for (int32_t x = 0; x < output->pixels && r->adds_residual; x++) {
            residual[x] = w->conv->residual +
                          rb_pixel_offset(&s->residual, (top + y) * s->residual_step, (left + x) * s->residual_step);
        }
        int32x4_t registers[SIDE][4];
        RB_UNROLL
        for (int32_t i = 0; i < side * 4; i++) {
            registers[i / 4][i % 4] = vld1q_s32(sums + 4 * i);
        }
        rb_requantize_pixels(output, r, 0, side, registers);
    }
}

// A block of 16 output channels of the tiles [first, first + count).
RB_INLINE void run_block(int32_t side, const work *w, int32_t channel, int32_t first, int32_t count) {
    const rb_conv_shape *s = &w->conv->shape;
    const size_t block_bytes = rb_winograd_block_bytes(s, side);
    const uint8_t *packed = (const uint8_t *)w->conv->packed + (size_t)(channel / RB_BLOCK_CHANNELS) * block_bytes;
    const rb_winograd16 *block = (const rb_winograd16 *)packed;
    rb_tile output = {
        .conv = w->conv,
        .blocks = packed, // begins with the same biases and multipliers
        .block_bytes = block_bytes,
        .block_count = 1,
        .first_channel = channel,
        .channels = s->output.channels - channel < RB_BLOCK_CHANNELS ? s->output.channels - channel : RB_BLOCK_CHANNELS,
    };
    const rb_requantization r = rb_requantization_of(&output);
    multiply_block(w, block);
    for (int32_t t = 0; t < count; t++) {
        int32_t sums[SIDE * SIDE * RB_BLOCK_CHANNELS];
        for (int32_t lane = 0; lane < RB_BLOCK_CHANNELS; lane += 4) {
            transform_quad(side, w->products + t * RB_BLOCK_CHANNELS + lane, vld1q_s32(block->bias + lane),
                           sums + lane);
        }
        store_tile(side, w, &output, &r, first + t, sums);
    }
}

RB_INLINE void rb_run_winograd(int32_t side, const rb_conv *conv) {
    const rb_conv_shape *s = &conv->shape;
    const rb_winograd_workspace workspace = rb_winograd_workspace_of(s, side);
    const work w = {
        .conv = conv,
        .zero_points = (const int8_t *)conv->scratch,
        .inputs = (int16_t *)(conv->scratch + workspace.inputs),
        .products = (int32_t *)(conv->scratch + workspace.products),
        .channels = (int32_t)rb_round_up((size_t)s->input.channels, 8),
        .side = side,
        .window = side + 2,
        .tiles_across = rb_winograd_tiles(s->output.width, side),
    };
    memset(conv->scratch, s->input.zero_point ^ conv->flip, (size_t)w.channels);
    const int32_t tiles = rb_winograd_tiles(s->output.height, side) * w.tiles_across;
    const rb_range groups = rb_share((tiles + TOGETHER - 1) / TOGETHER, conv->part, conv->parts);
    for (int32_t group = groups.begin; group < groups.end; group++) {
        const int32_t first = group * TOGETHER;
        const int32_t count = tiles - first < TOGETHER ? tiles - first : TOGETHER;
        for (int32_t t = 0; t < TOGETHER; t++) {
            transform_tile(side, &w, first + (t < count ? t : 0),
                           t); // of tiles that do not exist something, to be ignored
        }
        for (int32_t channel = 0; channel < s->output.channels; channel += RB_BLOCK_CHANNELS) {
            run_block(side, &w, channel, first, count);
        }
    }
}
