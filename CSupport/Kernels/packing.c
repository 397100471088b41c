// The weight layouts. Plain C on every architecture: the converter states the packed size of every path in the file.
#include "tiles.h"
#include <string.h>

static uint64_t o16_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->output.channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS;
    return (uint64_t)blocks * rb_block16_bytes(shape);
}

// o16 layouts hold blocks of 16 output channels, each an rb_block16. Channels that do not exist weigh zero, which can
// make few weights many: what a 32-bit processor could not address goes to the reference, on every processor alike.
static bool o16_supports(const rb_conv_shape *shape) {
    return o16_bytes(shape) <= INT32_MAX;
}

static size_t o16_packed_bytes(const rb_conv_shape *shape) {
    return (size_t)o16_bytes(shape);
}

// How a layout orders a block: `interleave` input channels stand together, and a kernel multiplies (q - subtracted).
// weights[((tap * block inputs + i) / interleave * 16 + output channel) * interleave + i % interleave]
typedef struct {
    int32_t interleave, subtracted;
} o16_order;

// Packs the weights of output channel o as channel `lane` of a block, and returns their sum.
static int32_t pack_channel(const rb_conv *conv, int32_t o, int32_t lane, o16_order order, rb_block16 *block) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    const int32_t group_inputs = s->input.channels / s->groups;
    const int32_t first = o / (s->output.channels / s->groups) * group_inputs - rb_block_first_input(s, o - lane);
    const size_t block_inputs = (size_t)rb_block_inputs(s);
    const int8_t *weight = conv->weights + (size_t)o * taps * group_inputs;
    int32_t sum = 0;
    for (int32_t tap = 0; tap < taps; tap++) {
        for (int32_t i = first; i < first + group_inputs; i++, weight++) {
            const size_t run = ((size_t)tap * block_inputs + i) / order.interleave;
            block->weights[(run * RB_BLOCK_CHANNELS + lane) * order.interleave + i % order.interleave] = *weight;
            sum += *weight;
        }
    }
    return sum;
}

// A kernel multiplies (q - subtracted) instead of (q - zero_point); the bias makes up for the difference.
static void o16_pack(const rb_conv *conv, void *packed, o16_order order) {
    const size_t stride = (size_t)rb_block16_bytes(&conv->shape);
    memset(packed, 0, o16_packed_bytes(&conv->shape));
    for (int32_t o = 0; o < conv->shape.output.channels; o++) {
        const int32_t lane = o % RB_BLOCK_CHANNELS;
        rb_block16 *block = (rb_block16 *)((uint8_t *)packed + (size_t)(o / RB_BLOCK_CHANNELS) * stride);
        const int32_t sum = pack_channel(conv, o, lane, order, block);
        block->bias[lane] = conv->bias[o] + (order.subtracted - conv->shape.input.zero_point) * sum;
        block->multiplier[lane] = conv->multiplier[o];
    }
}

// u8: for kernels that multiply activations as they are, 0...255; s8: for those that multiply q - 128.
#define RB_O16_LAYOUT(name, interleave, subtracted)                                                                    \
    static void name##_pack(const rb_conv *conv, void *packed) {                                                       \
        o16_pack(conv, packed, (o16_order){interleave, subtracted});                                                   \
    }                                                                                                                  \
    const rb_layout rb_layout_##name = {o16_supports, o16_packed_bytes, name##_pack};
RB_O16_LAYOUT(o16c2_u8, 2, 0)
RB_O16_LAYOUT(o16c2_s8, 2, 128)
RB_O16_LAYOUT(o16c4_u8, 4, 0)
RB_O16_LAYOUT(o16c4_s8, 4, 128)

// dw16: depthwise convolutions without a residual, in blocks of 16 channels. The last block begins earlier where there
// are not 16 channels left, so that a kernel can read and multiply it whole; channels of the block before it weigh zero
// there and are not stored.
static bool dw16_supports(const rb_conv_shape *shape) {
    const int32_t channels = shape->input.channels;
    return shape->groups == channels && shape->output.channels == channels && channels > RB_BLOCK_CHANNELS - 4 &&
           shape->residual.height == 0 &&
           rb_round_up((size_t)channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS * rb_depthwise16_bytes(shape) <=
               INT32_MAX;
}

static size_t dw16_packed_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->input.channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS;
    return blocks * (size_t)rb_depthwise16_bytes(shape);
}

static void dw16_s8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    memset(packed, 0, dw16_packed_bytes(s));
    for (int32_t c = 0; c < s->input.channels; c++) {
        const int32_t first = c / RB_BLOCK_CHANNELS * RB_BLOCK_CHANNELS;
        const int32_t lane = c - rb_block_first_input(s, first);
        rb_block16 *block =
            (rb_block16 *)((uint8_t *)packed + (size_t)(c / RB_BLOCK_CHANNELS) * (size_t)rb_depthwise16_bytes(s));
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

const rb_layout rb_layout_dw16_s8 = {dw16_supports, dw16_packed_bytes, dw16_s8_pack};

// dw8r4: depthwise 3x3 convolutions with stride 1 or 2, without dilation or a residual, in rb_depthwise8.
static bool dw8r4_supports(const rb_conv_shape *s) {
    return s->groups == s->input.channels && s->output.channels == s->input.channels && s->kernel_height == 3 &&
           s->kernel_width == 3 && s->dilation_y == 1 && s->dilation_x == 1 && s->stride_y == s->stride_x &&
           s->stride_y <= 2 && s->residual.height == 0 && s->input.channels <= 4096 &&
           rb_round_up((size_t)s->input.channels, 4) % RB_DEPTHWISE_CHANNELS == 0;
}

static size_t dw8r4_packed_bytes(const rb_conv_shape *s) {
    return rb_round_up((size_t)s->input.channels, RB_DEPTHWISE_CHANNELS) / RB_DEPTHWISE_CHANNELS *
           sizeof(rb_depthwise8);
}

static void dw8r4_s8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    memset(packed, 0, dw8r4_packed_bytes(s));
    for (int32_t c = 0; c < s->input.channels; c++) {
        const int32_t lane = c % RB_DEPTHWISE_CHANNELS;
        rb_depthwise8 *group = (rb_depthwise8 *)packed + c / RB_DEPTHWISE_CHANNELS;
        int32_t sum = 0;
        for (int32_t tap = 0; tap < 9; tap++) {
            const int8_t weight = conv->weights[(size_t)c * 9 + tap];
            const int32_t ky = tap / 3, kx = tap % 3;
            for (int32_t shift = 0; shift < 2; shift++) {
                group->weights[((shift * 3 + kx) * RB_DEPTHWISE_CHANNELS + lane) * 4 + ky + shift] = weight;
            }
            sum += weight;
        }
        group->bias[lane] = conv->bias[c] + (128 - s->input.zero_point) * sum;
        group->multiplier[lane] = conv->multiplier[c];
    }
}

const rb_layout rb_layout_dw8r4_s8 = {dw8r4_supports, dw8r4_packed_bytes, dw8r4_s8_pack};

// in_place is the file's own order: nothing is packed.
static bool supports_all(const rb_conv_shape *shape) {
    (void)shape;
    return true;
}

static size_t no_bytes(const rb_conv_shape *shape) {
    (void)shape;
    return 0;
}

static void pack_nothing(const rb_conv *conv, void *packed) {
    (void)conv;
    (void)packed;
}

const rb_layout rb_layout_in_place = {supports_all, no_bytes, pack_nothing};
