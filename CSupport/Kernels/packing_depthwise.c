// The weight layouts of depthwise convolutions.
#include "depthwise.h"
#include <string.h>

// dw64 holds blocks of 64 channels, each an rb_dw64.
static uint64_t dw64_total_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->output.channels, RB_DW64_CHANNELS) / RB_DW64_CHANNELS;
    return (uint64_t)blocks * rb_dw64_bytes(shape);
}

static bool dw64_supports(const rb_conv_shape *shape) {
    return shape->groups == shape->input.channels && shape->groups == shape->output.channels &&
           shape->residual.height == 0 && dw64_total_bytes(shape) <= INT32_MAX;
}

static size_t dw64_packed_bytes(const rb_conv_shape *shape) {
    return (size_t)dw64_total_bytes(shape);
}

static void dw64_u8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    memset(packed, 0, dw64_packed_bytes(s));
    for (int32_t o = 0; o < s->output.channels; o++) {
        const size_t index = (size_t)(o / RB_DW64_CHANNELS);
        rb_dw64 *block = (rb_dw64 *)((uint8_t *)packed + index * rb_dw64_bytes(s));
        const int32_t place = rb_dw64_place(o % RB_DW64_CHANNELS);
        int32_t sum = 0;
        for (int32_t tap = 0; tap < taps; tap++) {
            const int8_t weight = conv->weights[(size_t)o * taps + tap];
            block->weights[tap / 4][place][tap % 4] = weight;
            sum += weight;
        }
        block->bias[place] = conv->bias[o] - s->input.zero_point * sum;
        block->multiplier[place] = conv->multiplier[o];
    }
}

const rb_layout rb_layout_dw64_u8 = {dw64_supports, dw64_packed_bytes, dw64_u8_pack, false};

// dw16: depthwise convolutions without a residual, in blocks of 16 channels. The last block begins earlier where there
// are not 16 channels left, so that a kernel can read and multiply it whole; channels of the block before it weigh zero
// there and are not stored.
static bool is_depthwise16(const rb_conv_shape *shape, uint64_t block_bytes) {
    const int32_t channels = shape->input.channels;
    return shape->groups == channels && shape->output.channels == channels && channels > RB_BLOCK_CHANNELS - 4 &&
           shape->residual.height == 0 &&
           rb_round_up((size_t)channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS * block_bytes <= INT32_MAX;
}

static bool dw16_supports(const rb_conv_shape *shape) {
    return is_depthwise16(shape, rb_dw16_bytes(shape));
}

static size_t dw16_packed_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->input.channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS;
    return blocks * (size_t)rb_dw16_bytes(shape);
}

static void dw16_s8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    memset(packed, 0, dw16_packed_bytes(s));
    for (int32_t c = 0; c < s->input.channels; c++) {
        const int32_t first = c / RB_BLOCK_CHANNELS * RB_BLOCK_CHANNELS;
        const int32_t lane = c - rb_block_first_input(s, first);
        rb_block16 *block =
            (rb_block16 *)((uint8_t *)packed + (size_t)(c / RB_BLOCK_CHANNELS) * (size_t)rb_dw16_bytes(s));
        int32_t sum = 0;
        for (int32_t tap = 0; tap < taps; tap++) {
            const int8_t weight = conv->weights[(size_t)c * taps + tap];
            block->weights[tap * RB_BLOCK_CHANNELS + lane] = weight;
            sum += weight;
        }
        block->bias[lane] = conv->bias[c] + (128 - s->input.zero_point) * sum;
        block->multiplier[lane] = conv->multiplier[c];
    }
}

const rb_layout rb_layout_dw16_s8 = {dw16_supports, dw16_packed_bytes, dw16_s8_pack, false};

// dw8r4: depthwise 3x3 convolutions with stride 1 or 2, without dilation or a residual, in rb_dw8r4.
static bool dw8r4_supports(const rb_conv_shape *s) {
    return s->groups == s->input.channels && s->output.channels == s->input.channels && s->kernel_height == 3 &&
           s->kernel_width == 3 && s->dilation_y == 1 && s->dilation_x == 1 && s->stride_y == s->stride_x &&
           s->stride_y <= 2 && s->residual.height == 0 && s->input.channels <= 4096 &&
           rb_round_up((size_t)s->input.channels, 4) % RB_DW8R4_CHANNELS == 0;
}

static size_t dw8r4_packed_bytes(const rb_conv_shape *s) {
    return rb_round_up((size_t)s->input.channels, RB_DW8R4_CHANNELS) / RB_DW8R4_CHANNELS * sizeof(rb_dw8r4);
}

static void dw8r4_s8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    memset(packed, 0, dw8r4_packed_bytes(s));
    for (int32_t c = 0; c < s->input.channels; c++) {
        const int32_t lane = c % RB_DW8R4_CHANNELS;
        rb_dw8r4 *group = (rb_dw8r4 *)packed + c / RB_DW8R4_CHANNELS;
        int32_t sum = 0;
        for (int32_t tap = 0; tap < 9; tap++) {
            const int8_t weight = conv->weights[(size_t)c * 9 + tap];
            const int32_t ky = tap / 3, kx = tap % 3;
            for (int32_t shift = 0; shift < 2; shift++) {
                group->weights[((shift * 3 + kx) * RB_DW8R4_CHANNELS + lane) * 4 + ky + shift] = weight;
            }
            sum += weight;
        }
        group->bias[lane] = conv->bias[c] + (128 - s->input.zero_point) * sum;
        group->multiplier[lane] = conv->multiplier[c];
    }
}

const rb_layout rb_layout_dw8r4_s8 = {dw8r4_supports, dw8r4_packed_bytes, dw8r4_s8_pack, false};

// dw16c2: the same blocks as dw16, with pairs of taps.
static bool dw16c2_supports(const rb_conv_shape *shape) {
    return is_depthwise16(shape, rb_dw16c2_bytes(shape));
}

static size_t dw16c2_packed_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->input.channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS;
    return blocks * (size_t)rb_dw16c2_bytes(shape);
}

static void dw16c2_u8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    memset(packed, 0, dw16c2_packed_bytes(s));
    for (int32_t c = 0; c < s->input.channels; c++) {
        const int32_t index = c / RB_BLOCK_CHANNELS;
        rb_dw16c2 *block = (rb_dw16c2 *)((uint8_t *)packed + (size_t)index * (size_t)rb_dw16c2_bytes(s));
        const int32_t place = rb_dw16c2_place(c - rb_block_first_input(s, index * RB_BLOCK_CHANNELS));
        int32_t sum = 0;
        for (int32_t tap = 0; tap < taps; tap++) {
            const int8_t weight = conv->weights[(size_t)c * taps + tap];
            block->weights[tap / 2][place / 8][place % 8 * 2 + tap % 2] = weight;
            sum += weight;
        }
        block->bias[place] = conv->bias[c] - s->input.zero_point * sum;
        block->multiplier[place] = conv->multiplier[c];
    }
}

const rb_layout rb_layout_dw16c2_u8 = {dw16c2_supports, dw16c2_packed_bytes, dw16c2_u8_pack, false};
