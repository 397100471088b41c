// Output pixels in strips, and where their inputs lie: what every optimised convolution does before it multiplies.
#pragma once
#include "workspace.h"

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
