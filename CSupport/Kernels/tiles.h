// How a convolution is cut into tiles, the pieces that one call of an optimised kernel's inner function computes: a few
// neighbouring output pixels times a few blocks of 16 output channels. Everything that is not multiplying lives here,
// once.
#pragma once
#include "strips.h"

enum { RB_TILE_BLOCKS = 4 }; // most blocks of a tile

// Packed weights of 16 output channels; see packing.c for the order.
typedef struct {
    int32_t bias[RB_BLOCK_CHANNELS]; // corrected for the zero point, see packing.c
    float multiplier[RB_BLOCK_CHANNELS];
    int8_t weights[];
} rb_block16;

static inline uint64_t rb_block16_bytes(const rb_conv_shape *shape) {
    const uint64_t taps = (uint64_t)shape->kernel_height * (uint64_t)shape->kernel_width;
    return sizeof(rb_block16) + taps * (uint64_t)rb_block_inputs(shape) * RB_BLOCK_CHANNELS;
}

typedef struct {
    const rb_conv *conv;
    const uint8_t *blocks; // rb_block16, `block_bytes` apart
    size_t block_bytes;
    int32_t block_count;   // 1...RB_TILE_BLOCKS
    int32_t first_channel; // of the first block
    int32_t channels;      // how many of the blocks' channels exist
    int32_t pixels;        // how many pixels, 1...the kernel's tile_pixels
    // As in the strip, from the tile's first pixel on: run t of pixel p starts at inputs[t * RB_TABLE_PIXELS + p] +
    // input_offset. Entries for pixels past the tile's last may be read as well.
    int32_t taps, tap_bytes;
    const uint8_t *const *inputs;
    int32_t input_offset;
    const uint8_t *const *residual; // [p]; not read where there is no residual
    uint8_t *output;                // first pixel, first channel; pixels are output.pixel_stride apart
    // From the tile's first weights on to weights that are needed soon: a kernel may prefetch there, a cache line for
    // each 64 bytes of a block's weights that it multiplies.
    ptrdiff_t ahead;
} rb_tile;

static inline const rb_block16 *rb_tile_block(const rb_tile *tile, int32_t index) {
    return (const rb_block16 *)(tile->blocks + (size_t)index * tile->block_bytes);
}

// A kernel's inner functions.
typedef struct {
    int32_t blocks; // most blocks of a tile, 1...RB_TILE_BLOCKS
    // [blocks - 1]: most pixels of a tile that has so many blocks
    int32_t pixels[RB_TILE_BLOCKS];
    void (*run)(const rb_tile *tile);
} rb_tiling;

// Runs every tile of the convolution's part.
void rb_run_tiles(const rb_conv *conv, const rb_tiling *tiling);
// The same where packed blocks have another size than rb_block16_bytes.
void rb_run_tiles_of_blocks(const rb_conv *conv, const rb_tiling *tiling, size_t block_bytes);

// 16 residual bytes of one pixel for the block that begins at output channel first_channel: in place where all of them
// exist, else in `copy`, where those that do not exist read as the zero point and so add nothing.
const uint8_t *rb_residual_block(const rb_tile *tile, int32_t pixel, int32_t block, uint8_t copy[RB_BLOCK_CHANNELS]);

// Stores the channels that exist of one finished pixel of one block of a tile.
void rb_store_block(const rb_tile *tile, int32_t pixel, int32_t block, const uint8_t values[RB_BLOCK_CHANNELS]);
