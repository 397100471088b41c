// Packed weights of depthwise convolutions, in which every output channel has one input channel.
#pragma once
#include "tiles.h"

enum { RB_DW64_CHANNELS = 64 }; // of a block

// 64 channels, in the order in which interleaving the bytes of four taps leaves them: place 16 * j + 4 * l + i is
// channel 16 * l + 4 * j + i (i, j, l = 0...3).
typedef struct {
    int32_t bias[RB_DW64_CHANNELS]; // corrected for the zero point, see packing_depthwise.c
    float multiplier[RB_DW64_CHANNELS];
    int8_t weights[][RB_DW64_CHANNELS][4]; // [tap / 4][place][tap % 4], zero past the last tap
} rb_dw64;

static inline int32_t rb_dw64_place(int32_t channel) {
    return channel / 4 % 4 * 16 + channel / 16 * 4 + channel % 4;
}

static inline int32_t rb_dw64_quads(const rb_conv_shape *shape) {
    return (shape->kernel_height * shape->kernel_width + 3) / 4;
}

static inline size_t rb_dw64_bytes(const rb_conv_shape *shape) {
    return sizeof(rb_dw64) + (size_t)rb_dw64_quads(shape) * RB_DW64_CHANNELS * 4;
}

// Of a depthwise convolution a block holds weights[tap][channel] of the 16 channels from rb_block_first_input on.
static inline uint64_t rb_dw16_bytes(const rb_conv_shape *shape) {
    const uint64_t taps = (uint64_t)shape->kernel_height * (uint64_t)shape->kernel_width;
    return (sizeof(rb_block16) + taps * RB_BLOCK_CHANNELS + 63) / 64 * 64;
}

// Eight channels of a depthwise 3x3 convolution for dot products over rows: weights[shift][kx][channel][row], where a
// row of the kernel stands at row + shift, and the fourth place is zero.
enum { RB_DW8R4_CHANNELS = 8 };
typedef struct {
    int32_t bias[RB_DW8R4_CHANNELS]; // corrected for the zero point
    float multiplier[RB_DW8R4_CHANNELS];
    int8_t weights[2 * 3 * RB_DW8R4_CHANNELS * 4];
} rb_dw8r4;

// The 16 channels from rb_block_first_input on, in the order in which interleaving two taps' 16-bit values leaves them:
// channels 0...3 and 8...11, then 4...7 and 12...15.
typedef struct {
    int32_t bias[RB_BLOCK_CHANNELS]; // corrected for the zero point
    float multiplier[RB_BLOCK_CHANNELS];
    int8_t weights[][2][RB_BLOCK_CHANNELS]; // [tap / 2][place / 8][place % 8 * 2 + tap % 2], zero past the last tap
} rb_dw16c2;

static inline int32_t rb_dw16c2_place(int32_t channel) {
    return channel / 4 % 2 * 8 + channel / 8 * 4 + channel % 4;
}

static inline uint64_t rb_dw16c2_bytes(const rb_conv_shape *shape) {
    const uint64_t taps = (uint64_t)shape->kernel_height * (uint64_t)shape->kernel_width;
    return (sizeof(rb_dw16c2) + (taps + 1) / 2 * 2 * RB_BLOCK_CHANNELS + 63) / 64 * 64;
}
