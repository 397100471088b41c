// How a convolution is cut into tiles, the pieces that one call of an optimised kernel's inner function computes: a few
// neighbouring output pixels times a block of 16 output channels. Everything that is not multiplying lives here, once.
#pragma once
#include "conv.h"

enum {
    RB_BLOCK_CHANNELS = 16, // output channels of a block
    RB_STRIP_PIXELS = 32    // output pixels whose input addresses are worked out together
};

// Packed weights of 16 output channels. Input channels come in pairs, rounded up to a multiple of 4:
// weights[((tap * rounded inputs + i) / 2 * 16 + output channel) * 2 + i % 2].
typedef struct {
    int32_t bias[RB_BLOCK_CHANNELS]; // corrected for the zero point, see packing.c
    float multiplier[RB_BLOCK_CHANNELS];
    int8_t weights[];
} rb_block16;

static inline uint64_t rb_block16_bytes(const rb_conv_shape *shape) {
    const uint64_t taps = (uint64_t)shape->kernel_height * (uint64_t)shape->kernel_width;
    return sizeof(rb_block16) + taps * rb_round_up((size_t)shape->input.channels, 4) * RB_BLOCK_CHANNELS;
}

typedef struct {
    const rb_conv *conv;
    const rb_block16 *block;
    int32_t first_channel; // of the block
    int32_t channels;      // how many of the 16 exist
    int32_t pixels;        // how many of the tile's pixels exist
    // taps[t * RB_STRIP_PIXELS + p] is the input pixel under tap t of pixel p, or a pixel of zero points where that is
    // outside the input or p does not exist.
    const uint8_t *const *taps;
    const uint8_t *const *residual; // [p], for pixels that exist; not read where there is no residual
    uint8_t *output;                // first pixel, first channel; pixels are output.pixel_stride apart
} rb_tile;

// Calls `run` for every tile of the rows asked for. tile_pixels divides RB_STRIP_PIXELS.
void rb_run_tiles(const rb_conv *conv, int32_t tile_pixels, void (*run)(const rb_tile *tile));

// The 16 residual bytes of one pixel of a tile: in place where all of them exist, else in `copy`, where those that do
// not exist read as the zero point and so add nothing.
const uint8_t *rb_residual_block(const rb_tile *tile, int32_t pixel, uint8_t copy[RB_BLOCK_CHANNELS]);

// Stores the channels that exist of one finished pixel of a tile.
void rb_store_block(const rb_tile *tile, int32_t pixel, const uint8_t values[RB_BLOCK_CHANNELS]);
