// The weight layout of convolutions in narrow groups.
#include "grouped.h"
#include <string.h>

static uint64_t g64_total_bytes(const rb_conv_shape *shape) {
    const size_t blocks = rb_round_up((size_t)shape->output.channels, RB_G64_CHANNELS) / RB_G64_CHANNELS;
    return (uint64_t)blocks * rb_g64_bytes(shape);
}

static bool g64_supports(const rb_conv_shape *shape) {
    const int32_t group_channels = shape->input.channels / shape->groups;
    return shape->groups > 1 && shape->input.channels == shape->output.channels &&
           (group_channels == 4 || group_channels == 8) && shape->residual.height == 0 &&
           g64_total_bytes(shape) <= INT32_MAX;
}

static size_t g64_packed_bytes(const rb_conv_shape *shape) {
    return (size_t)g64_total_bytes(shape);
}

static void g64_u8_pack(const rb_conv *conv, void *packed) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    const int32_t group_channels = s->input.channels / s->groups;
    memset(packed, 0, g64_packed_bytes(s));
    const int8_t *weight = conv->weights;
    for (int32_t o = 0; o < s->output.channels; o++) {
        const int32_t channel = o % RB_G64_CHANNELS;
        rb_g64 *block = (rb_g64 *)((uint8_t *)packed + (size_t)(o / RB_G64_CHANNELS) * (size_t)rb_g64_bytes(s));
        const int32_t first_dword = channel / group_channels * (group_channels / 4);
        int32_t sum = 0;
        for (int32_t tap = 0; tap < taps; tap++) {
            int8_t *weights = block->weights + (tap * group_channels + channel % group_channels) * RB_G64_CHANNELS;
            for (int32_t i = 0; i < group_channels; i++, weight++) {
                weights[first_dword * 4 + i] = *weight;
                sum += *weight;
            }
        }
        const int32_t place = rb_g64_place(channel, group_channels);
        block->bias[place] = conv->bias[o] - s->input.zero_point * sum;
        block->multiplier[place] = conv->multiplier[o];
    }
}

const rb_layout rb_layout_g64_u8 = {g64_supports, g64_packed_bytes, g64_u8_pack, false};
