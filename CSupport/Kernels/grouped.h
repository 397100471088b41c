// Packed weights of convolutions in narrow groups, which have 4 or 8 input channels and as many output channels.
#pragma once
#include "conv.h"

enum { RB_G64_CHANNELS = 64 }; // of a block

// 64 channels under one tap are 16 dwords of input. Register r of the weights has, for each dword, what output channel
// r of the dword's group multiplies it by: 4 registers with groups of 4; 8 with groups of 8, where the products of a
// group's two dwords are added in the end. `bias` and `multiplier` stand in the order of the results, see rb_g64_place.
typedef struct {
    int32_t bias[RB_G64_CHANNELS]; // corrected for the zero point, see packing_grouped.c
    float multiplier[RB_G64_CHANNELS];
    int8_t weights[]; // [tap][register][dword][4]
} rb_g64;

// Where the result of a channel stands: in dword place % 16 of register place / 16.
static inline int32_t rb_g64_place(int32_t channel, int32_t group_channels) {
    return group_channels == 4 ? channel % 4 * 16 + channel / 4 : channel % 8 / 2 * 16 + channel / 8 * 2 + channel % 2;
}

static inline uint64_t rb_g64_bytes(const rb_conv_shape *shape) {
    const uint64_t taps = (uint64_t)shape->kernel_height * (uint64_t)shape->kernel_width;
    const uint64_t group_channels = (uint64_t)(shape->input.channels / shape->groups);
    return sizeof(rb_g64) + taps * group_channels * RB_G64_CHANNELS;
}
