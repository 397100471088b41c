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

// Packs the weights of output channel o as channel `lane` of a block, and returns their sum. Inlined, so that the
// interleave is a constant and a run of it one load and one store.
__attribute__((always_inline)) static inline int32_t
pack_channel(const rb_conv *conv, int32_t o, int32_t lane, o16_order order, size_t block_inputs, rb_block16 *block) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    const int32_t group_inputs = s->input.channels / s->groups;
    const int32_t first = o / (s->output.channels / s->groups) * group_inputs - rb_block_first_input(s, o - lane);
    const size_t run_bytes = (size_t)(RB_BLOCK_CHANNELS * order.interleave); // from one run of a channel to its next
    const int8_t *weight = conv->weights + (size_t)o * taps * group_inputs;
    int32_t sum = 0;
    for (int32_t j = 0; j < taps * group_inputs; j++) {
        sum += weight[j];
    }
    for (int32_t tap = 0; tap < taps; tap++) {
        int8_t *channel = block->weights + (size_t)tap * block_inputs * RB_BLOCK_CHANNELS + lane * order.interleave;
        int32_t i = first;
        const int32_t end = first + group_inputs;
        while (i < end) {
            int8_t *run = channel + (size_t)(i / order.interleave) * run_bytes;
            if (i % order.interleave == 0 && i + order.interleave <= end) {
                memcpy(run, weight, (size_t)order.interleave);
                i += order.interleave;
                weight += order.interleave;
            } else {
                run[i % order.interleave] = *weight++;
                i++;
            }
        }
    }
    return sum;
}

// A kernel multiplies (q - subtracted) instead of (q - zero_point); the bias makes up for the difference.
__attribute__((always_inline)) static inline void o16_pack(const rb_conv *conv, void *packed, o16_order order) {
    const size_t stride = (size_t)rb_block16_bytes(&conv->shape);
    const size_t block_inputs = (size_t)rb_block_inputs(&conv->shape);
    const rb_range blocks = rb_share_of_blocks(conv);
    memset((uint8_t *)packed + (size_t)blocks.begin * stride, 0, (size_t)(blocks.end - blocks.begin) * stride);
    const int32_t end = blocks.end * RB_BLOCK_CHANNELS, channels = conv->shape.output.channels;
    for (int32_t o = blocks.begin * RB_BLOCK_CHANNELS; o < (end < channels ? end : channels); o++) {
        const int32_t lane = o % RB_BLOCK_CHANNELS;
        rb_block16 *block = (rb_block16 *)((uint8_t *)packed + (size_t)(o / RB_BLOCK_CHANNELS) * stride);
        const int32_t sum = pack_channel(conv, o, lane, order, block_inputs, block);
        block->bias[lane] = conv->bias[o] + (order.subtracted - conv->shape.input.zero_point) * sum;
        block->multiplier[lane] = conv->multiplier[o];
    }
}

// o16c8 has no room for half a run of 8 input channels.
static bool o16c8_supports(const rb_conv_shape *shape) {
    return rb_block_inputs(shape) % 8 == 0 && o16_supports(shape);
}

// u8: for kernels that multiply activations as they are, 0...255; s8: for those that multiply q - 128.
#define RB_O16_LAYOUT(name, supports, interleave, subtracted)                                                          \
    static void name##_pack(const rb_conv *conv, void *packed) {                                                       \
        o16_pack(conv, packed, (o16_order){interleave, subtracted});                                                   \
    }                                                                                                                  \
    const rb_layout rb_layout_##name = {supports, o16_packed_bytes, name##_pack, true};
RB_O16_LAYOUT(o16c2_u8, o16_supports, 2, 0)
RB_O16_LAYOUT(o16c2_s8, o16_supports, 2, 128)
RB_O16_LAYOUT(o16c4_u8, o16_supports, 4, 0)
RB_O16_LAYOUT(o16c4_s8, o16_supports, 4, 128)
RB_O16_LAYOUT(o16c8_s8, o16c8_supports, 8, 128)

// o16c4_rows is o16c4 for kernels that take one block of output channels and windows three pixels wide from copied
// rows.
static bool o16c4_rows_supports(const rb_conv_shape *shape) {
    return rb_copies_rows(shape) && shape->kernel_width == 3 && shape->stride_x == 1 &&
           shape->output.channels <= RB_BLOCK_CHANNELS && o16_supports(shape);
}

const rb_layout rb_layout_o16c4_rows_u8 = {o16c4_rows_supports, o16_packed_bytes, o16c4_u8_pack, true};

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

const rb_layout rb_layout_in_place = {supports_all, no_bytes, pack_nothing, false};
