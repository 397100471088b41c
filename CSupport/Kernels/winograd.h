// The packed weights of Winograd's F(4x4, 3x3) and F(2x2, 3x3), for processors that multiply no faster in 8 bits than
// in 16: `side` is 4 or 2, the output pixels a side of a tile, whose window has side + 2 input pixels a side.
#pragma once
#include "tiles.h"

// 16 output channels. weights[position in the window][input channel][output channel], transformed; input channels
// rounded up to 8.
typedef struct {
    int32_t bias[RB_BLOCK_CHANNELS]; // corrected for the zero point
    float multiplier[RB_BLOCK_CHANNELS];
    int16_t weights[];
} rb_winograd16;

size_t rb_winograd_block_bytes(const rb_conv_shape *shape, int32_t side);

static inline int32_t rb_winograd_tiles(int32_t pixels, int32_t side) {
    return (pixels + side - 1) / side;
}
