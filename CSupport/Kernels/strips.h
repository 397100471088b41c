// Output pixels in strips, and where their inputs lie: what every optimised convolution does before it multiplies.
#pragma once
#include "conv.h"

enum {
    RB_BLOCK_CHANNELS = 16, // output channels of a block
    RB_STRIP_PIXELS = 64,   // most output pixels whose input addresses are worked out together
    RB_TILE_PIXELS = 8,     // most output pixels that a kernel computes together
    RB_TABLE_PIXELS = RB_STRIP_PIXELS + RB_TILE_PIXELS, // a kernel may load addresses past the pixels of its tile
    RB_ROW_TILE_PIXELS = 16,                            // most pixels of a tile that lies in one row
    RB_ROW_TAP_CHANNELS = 32,                           // up to this many input channels, a kernel row is one tap
    RB_ROW_COPIES_BYTES = 1 << 20                       // unless the copies of rows would take more
};

// What a block multiplies: under every tap of the kernel the same `block_inputs` neighbouring input channels.
// Without groups that is all of them, rounded up to a multiple of 4. With groups it is what the groups of the block's
// 16 outputs cover, the most that any block needs; the weights across groups are zero.
int32_t rb_block_inputs(const rb_conv_shape *shape);
// The first of those input channels for the block that begins with output channel `output`, a multiple of 4.
int32_t rb_block_first_input(const rb_conv_shape *shape, int32_t output);

// Neighbouring output pixels, in raster order over the whole output.
typedef struct {
    const rb_conv *conv;
    int32_t first, count; // output pixels
    // Input bytes come in `taps` runs of `tap_bytes` neighbours each, in the order of the packed weights: run t of
    // pixel p starts at inputs[t * RB_TABLE_PIXELS + p]. With groups a run is a block's: it starts at the block's first
    // input.
    int32_t taps, tap_bytes; // tap_bytes is a multiple of 4
    const uint8_t *const *inputs;
    const uint8_t *const *residual; // [p]; not read where there is no residual
} rb_strip;

// Calls `run` for strips of equal lengths, multiples of tile_pixels but for the last, over the output pixels given.
void rb_run_strips(const rb_conv *conv, rb_range pixels, int32_t tile_pixels,
                   void (*run)(const rb_strip *strip, const void *context), const void *context);

// Neighbouring output pixels of one row whose inputs lie at equal distances.
typedef struct {
    const rb_conv *conv;
    int32_t first, count; // output pixels, in raster order over the whole output
    int32_t taps;
    const uint8_t *const *inputs; // [tap]: the input pixel under the first output pixel
    size_t step;                  // bytes from there to the input under the next one
} rb_run;

// Calls `run` for the output pixels given, in as few runs as they make. Every tap is one position of the window: for
// convolutions that work on a pixel's channels one by one.
void rb_run_rows(const rb_conv *conv, rb_range pixels, void (*run)(const rb_run *run));

// Whether the convolution works on copies of its input's rows, with zero points on both sides: it has few channels.
bool rb_copies_rows(const rb_conv_shape *shape);
// Calls `run` for every output row of the part. rows[ky] is the copy of an input row, from the first column under the
// window of output pixel 0 on, or a row of zero points. A kernel may read RB_ROW_TILE_PIXELS pixels past a row's end.
void rb_run_copied_rows(const rb_conv *conv, void (*run)(const rb_conv *conv, int32_t y, const uint8_t *const *rows));
