#include "winograd.h"
#include <string.h>

enum { KERNEL = 3, WINDOW = 6 };

static int32_t rounded_channels(const rb_conv_shape *s) {
    return (int32_t)rb_round_up((size_t)s->input.channels, 8);
}

// Where the transforms pay and the transformed weights, 8 (side 2: 3.6) times as large, are used often and take little.
static bool supports(const rb_conv_shape *s, int32_t side) {
    const int32_t fewest_tiles = side == 4 ? 9 : 16, most_weights = 1 << 14;
    return s->groups == 1 && s->kernel_height == KERNEL && s->kernel_width == KERNEL && s->stride_y == 1 &&
           s->stride_x == 1 && s->dilation_y == 1 && s->dilation_x == 1 &&
           rb_round_up((size_t)s->input.channels, 4) % 8 == 0 && (side == 2 || s->input.channels <= 128) &&
           s->output.channels <= most_weights / s->input.channels &&
           (int64_t)rb_winograd_tiles(s->output.height, side) * rb_winograd_tiles(s->output.width, side) >=
               fewest_tiles;
}

size_t rb_winograd_block_bytes(const rb_conv_shape *s, int32_t side) {
    const size_t positions = (size_t)(side + 2) * (size_t)(side + 2);
    return sizeof(rb_winograd16) + positions * (size_t)rounded_channels(s) * RB_BLOCK_CHANNELS * sizeof(int16_t);
}

static size_t packed_bytes(const rb_conv_shape *s, int32_t side) {
    const size_t blocks = rb_round_up((size_t)s->output.channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS;
    return blocks * rb_winograd_block_bytes(s, side);
}

// The filter transforms, 24 times too large with the last row 4 times less, and 2 times too large.
static const int32_t filter_transform4[WINDOW][KERNEL] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                                          {1, 2, 4}, {1, -2, 4},   {0, 0, 6}};
static const int32_t filter_transform2[WINDOW][KERNEL] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};

// The transformed 3x3 weights of one input and one output channel, each position `step` values after the one before.
// `next` is how far it is from one of the nine weights to the next.
static void transform_filter(int32_t side, const int8_t *weights, size_t next, int16_t *transformed, size_t step) {
    const int32_t(*transform)[KERNEL] = side == 4 ? filter_transform4 : filter_transform2;
    int32_t columns[WINDOW][KERNEL];
    for (int32_t i = 0; i < side + 2; i++) {
        for (int32_t kx = 0; kx < KERNEL; kx++) {
            columns[i][kx] = 0;
            for (int32_t ky = 0; ky < KERNEL; ky++) {
                columns[i][kx] += transform[i][ky] * weights[(size_t)(ky * KERNEL + kx) * next];
            }
        }
    }
    for (int32_t i = 0; i < side + 2; i++) {
        for (int32_t j = 0; j < side + 2; j++, transformed += step) {
            int32_t value = 0;
            for (int32_t kx = 0; kx < KERNEL; kx++) {
                value += transform[j][kx] * columns[i][kx];
            }
            *transformed = (int16_t)value;
        }
    }
}

static int32_t sum_of(const int8_t *weights, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
    }
    return sum;
}

static void pack(const rb_conv *conv, void *packed, int32_t side) {
    const rb_conv_shape *s = &conv->shape;
    const size_t inputs = (size_t)s->input.channels, each = KERNEL * KERNEL * inputs;
    const size_t step = (size_t)rounded_channels(s) * RB_BLOCK_CHANNELS;
    memset(packed, 0, packed_bytes(s, side));
    for (int32_t o = 0; o < s->output.channels; o++) {
        const int8_t *weights = conv->weights + (size_t)o * each;
        const int32_t lane = o % RB_BLOCK_CHANNELS;
        rb_winograd16 *block =
            (rb_winograd16 *)((uint8_t *)packed + (size_t)(o / RB_BLOCK_CHANNELS) * rb_winograd_block_bytes(s, side));
        block->bias[lane] = conv->bias[o] + (128 - s->input.zero_point) * sum_of(weights, each);
        block->multiplier[lane] = conv->multiplier[o];
        for (size_t i = 0; i < inputs; i++) {
            transform_filter(side, weights + i, inputs, block->weights + i * RB_BLOCK_CHANNELS + (size_t)lane, step);
        }
    }
}

#define RB_WINOGRAD_LAYOUT(name, side)                                                                                 \
    static bool name##_supports(const rb_conv_shape *s) {                                                              \
        return supports(s, side);                                                                                      \
    }                                                                                                                  \
    static size_t name##_packed_bytes(const rb_conv_shape *s) {                                                        \
        return packed_bytes(s, side);                                                                                  \
    }                                                                                                                  \
    static void name##_pack(const rb_conv *conv, void *packed) {                                                       \
        pack(conv, packed, side);                                                                                      \
    }                                                                                                                  \
    const rb_layout rb_layout_##name = {name##_supports, name##_packed_bytes, name##_pack, false};
RB_WINOGRAD_LAYOUT(winograd4_s8, 4)
RB_WINOGRAD_LAYOUT(winograd2_s8, 2)
