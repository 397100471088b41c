// The weight layouts. Plain C on every architecture: the converter states the packed size of every path in the file.
#include "tiles.h"
#include <string.h>

static uint64_t o16c2_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->output.channels, RB_BLOCK_CHANNELS) / RB_BLOCK_CHANNELS;
    return (uint64_t)blocks * rb_block16_bytes(shape);
}

// o16c2 holds blocks of 16 output channels, each an rb_block16. Channels that do not exist weigh zero, which can make
// few weights many: what a 32-bit processor could not address goes to the reference, on every processor alike.
static bool o16c2_supports(const rb_conv_shape *shape) {
    return shape->groups == 1 && o16c2_bytes(shape) <= INT32_MAX;
}

static size_t o16c2_packed_bytes(const rb_conv_shape *shape) {
    return (size_t)o16c2_bytes(shape);
}

// Packs the weights of output channel o as channel `lane` of a block, and returns their sum.
static int32_t pack_channel(const rb_conv *conv, int32_t o, int32_t lane, rb_block16 *block) {
    const int32_t taps = conv->shape.kernel_height * conv->shape.kernel_width;
    const int32_t inputs = conv->shape.input.channels;
    const int32_t rounded_inputs = (int32_t)rb_round_up((size_t)inputs, 4);
    const int8_t *weight = conv->weights + (size_t)o * taps * inputs;
    int32_t sum = 0;
    for (int32_t tap = 0; tap < taps; tap++) {
        for (int32_t i = 0; i < inputs; i++, weight++) {
            const size_t pair = ((size_t)tap * rounded_inputs + i) / 2;
            block->weights[(pair * RB_BLOCK_CHANNELS + lane) * 2 + i % 2] = *weight;
            sum += *weight;
        }
    }
    return sum;
}

// A kernel multiplies (q - subtracted) instead of (q - zero_point); the bias makes up for the difference.
static void o16c2_pack(const rb_conv *conv, void *packed, int32_t subtracted) {
    const size_t stride = (size_t)rb_block16_bytes(&conv->shape);
    memset(packed, 0, o16c2_packed_bytes(&conv->shape));
    for (int32_t o = 0; o < conv->shape.output.channels; o++) {
        const int32_t lane = o % RB_BLOCK_CHANNELS;
        rb_block16 *block = (rb_block16 *)((uint8_t *)packed + (size_t)(o / RB_BLOCK_CHANNELS) * stride);
        const int32_t sum = pack_channel(conv, o, lane, block);
        block->bias[lane] = conv->bias[o] + (subtracted - conv->shape.input.zero_point) * sum;
        block->multiplier[lane] = conv->multiplier[o];
    }
}

// For kernels that multiply activations as they are, 0..255.
static void o16c2_u8_pack(const rb_conv *conv, void *packed) {
    o16c2_pack(conv, packed, 0);
}
// For kernels that flip the top bit of the activations first and multiply -128..127.
static void o16c2_s8_pack(const rb_conv *conv, void *packed) {
    o16c2_pack(conv, packed, 128);
}

const rb_layout rb_layout_o16c2_u8 = {o16c2_supports, o16c2_packed_bytes, o16c2_u8_pack};
const rb_layout rb_layout_o16c2_s8 = {o16c2_supports, o16c2_packed_bytes, o16c2_s8_pack};

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
