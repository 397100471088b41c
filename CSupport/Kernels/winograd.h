// The packed weights of Winograd's F(4x4, 3x3) and F(2x2, 3x3), for processors that multiply no faster in 8 bits than
// in 16: `side` is 4 or 2, the output pixels a side of a tile, whose window has side + 2 input pixels a side.
#pragma once
#include "tiles.h"

enum { RB_WINOGRAD_TOGETHER = 4 }; // tiles that share the fetching of weights

// 16 output channels. weights[position in the window][input channel][output channel], transformed; input channels
// rounded up to 8.
typedef struct {
    int32_t bias[RB_BLOCK_CHANNELS]; // corrected for the zero point
    float multiplier[RB_BLOCK_CHANNELS];
    int16_t weights[];
} rb_winograd16;

size_t rb_winograd_block_bytes(const rb_conv_shape *shape, int32_t side);

// Where transformed activations and products of RB_WINOGRAD_TOGETHER tiles lie in the scratch memory, after one pixel
// of zero points.
typedef struct {
    size_t inputs, products, end;
} rb_winograd_scratch;
rb_winograd_scratch rb_winograd_scratch_of(const rb_conv_shape *shape, int32_t side);
// What any of the two needs of it for the shape; 0 where none is used.
size_t rb_winograd_scratch_bytes(const rb_conv_shape *shape);

static inline int32_t rb_winograd_tiles(int32_t pixels, int32_t side) {
    return (pixels + side - 1) / side;
}
