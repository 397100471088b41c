// What lies where in a kernel's scratch memory, and how much of it there is. For each way of working this is one
// function of the shape: the driver that writes there asks it where, and the converter and the model verifier ask it
// how much. A kernel's line in kernels.inc names its way.
//
// Addresses count as 8 bytes on every architecture, so that a file's arena holds on all of them. Shapes are those that
// the model verifier lets through. The contracts are for Frama-C; README.md says what is not proved of them.
#pragma once
#include "conv.h"

enum {
    RB_BLOCK_CHANNELS = 16, // output channels of a block
    RB_STRIP_PIXELS = 64,   // most output pixels whose input addresses are worked out together
    RB_TILE_PIXELS = 8,     // most output pixels that a kernel computes together
    RB_TABLE_PIXELS = RB_STRIP_PIXELS + RB_TILE_PIXELS, // a kernel may load addresses past the pixels of its tile
    RB_ROW_TILE_PIXELS = 16,                            // most pixels of a tile that lies in one row
    RB_ROW_TAP_CHANNELS = 32,                           // up to this many input channels, a kernel row is one tap
    RB_ROW_COPIES_BYTES = 1 << 20,                      // unless the copies of rows would take more
    RB_ADDRESS_BYTES = 8
};

/*@ // What the model verifier lets through: Sources/ModelFormat/Verifier.swift.
  predicate is_extent(integer n) = 1 <= n <= 65535;
  predicate is_step(integer n) = 1 <= n <= 255;
  logic integer fours(integer n) = (n + 3) / 4 * 4;
  predicate is_tensor(integer height, integer width, integer channels, integer pixel_stride) =
      is_extent(height) && is_extent(width) && is_extent(channels) && pixel_stride % 4 == 0 &&
      fours(channels) <= pixel_stride <= 0x7fffffff &&
      (height * width - 1) * pixel_stride + fours(channels) <= 0x7fffffff;
  predicate is_residual(rb_conv_shape *s) =
      s->residual.height == 0 ||
      (is_tensor(s->residual.height, s->residual.width, s->residual.channels, s->residual.pixel_stride) &&
       is_step(s->residual_step) && (s->output.height - 1) * s->residual_step < s->residual.height &&
       (s->output.width - 1) * s->residual_step < s->residual.width);
  predicate is_verified(rb_conv_shape *s) =
      is_tensor(s->input.height, s->input.width, s->input.channels, s->input.pixel_stride) &&
      is_tensor(s->output.height, s->output.width, s->output.channels, s->output.pixel_stride) &&
      0 <= s->input.zero_point <= 255 && 1 <= s->groups <= s->input.channels && s->groups <= s->output.channels &&
      s->input.channels % s->groups == 0 && s->output.channels % s->groups == 0 &&
      is_step(s->kernel_height) && is_step(s->kernel_width) && is_step(s->stride_y) && is_step(s->stride_x) &&
      is_step(s->dilation_y) && is_step(s->dilation_x) && 0 <= s->padding_top <= 65535 && 0 <= s->padding_left <= 65535;
*/

// Of all blocks, those of the convolution's part: each begins at a channel that there is.
/*@ requires \valid_read(conv) && is_extent(conv->shape.output.channels) && 0 <= conv->part < conv->parts;
  assigns \nothing;
  ensures 0 <= \result.begin <= \result.end;
  ensures \result.end * RB_BLOCK_CHANNELS < conv->shape.output.channels + RB_BLOCK_CHANNELS; */
static inline rb_range rb_share_of_blocks(const rb_conv *conv) {
    const int32_t blocks = (conv->shape.output.channels + RB_BLOCK_CHANNELS - 1) / RB_BLOCK_CHANNELS;
    return rb_share(blocks, conv->part, conv->parts);
}

// What a block multiplies: under every tap of the kernel the same `block_inputs` neighbouring input channels.
// Without groups that is all of them, rounded up to a multiple of 4. With groups it is what the groups of the block's
// 16 outputs cover, the most that any block needs; the weights across groups are zero.
/*@ requires \valid_read(shape) && is_verified(shape);
  assigns \nothing;
  ensures 4 <= \result <= fours(shape->input.channels) && \result % 4 == 0; */
int32_t rb_block_inputs(const rb_conv_shape *shape);
// The first of those input channels for the block that begins with output channel `output`, a multiple of 4.
/*@ requires \valid_read(shape) && is_verified(shape) && 0 <= output < shape->output.channels;
  assigns \nothing;
  ensures 0 <= \result <= fours(shape->input.channels) - 4; */
int32_t rb_block_first_input(const rb_conv_shape *shape, int32_t output);

// How the kernel's window lies in memory. A tap is one position of the window, or, where there are few channels, a
// whole row of it: fewer and longer runs of bytes. Taps that are rows lie in copies of the input's rows, which have
// zero points on both sides; the scratch memory holds as many such rows as a strip needs, and each row is copied once.
typedef struct {
    int32_t taps, tap_bytes;
    int32_t rows;                    // kept as copies; 0: taps lie in the input itself
    int32_t row_bytes, copies_bytes; // of a copy, and of all
} rb_window;
/*@ // A kernel's window over copied rows: each row has room for the padding and the pixels under all of an output row.
  predicate is_window(rb_conv_shape *s, rb_window w) =
      1 <= w.taps <= 65025 && 4 <= w.tap_bytes <= 65536 &&
      (w.rows == 0 ==> w.taps == s->kernel_height * s->kernel_width && w.tap_bytes <= fours(s->input.channels)) &&
      (w.rows != 0 ==>
          w.taps == s->kernel_height && s->input.pixel_stride == fours(s->input.channels) <= RB_ROW_TAP_CHANNELS &&
          w.tap_bytes == s->kernel_width * s->input.pixel_stride && 1 <= w.rows && 1 <= w.row_bytes &&
          w.row_bytes == ((s->output.width - 1) * s->stride_x + s->kernel_width) * s->input.pixel_stride &&
          w.copies_bytes == w.rows * w.row_bytes && w.copies_bytes <= RB_ROW_COPIES_BYTES);
*/
/*@ requires \valid_read(shape) && is_verified(shape);
  assigns \nothing;
  ensures is_window(shape, \result); */
rb_window rb_window_of(const rb_conv_shape *shape);

// tiles, copied_rows: a table of addresses, [taps + 1][RB_TABLE_PIXELS] with the residual's pixels last; one tap of
// zero points; and the copies of rows, a row of zero points, and as many pixels as a kernel may read past the end of
// one.
typedef struct {
    rb_window window;
    size_t outside, copies, end;
} rb_tiles_workspace;
/*@ requires \valid_read(shape) && is_verified(shape);
  assigns \nothing;
  ensures is_window(shape, \result.window);
  ensures \result.outside == (\result.window.taps + 1) * RB_TABLE_PIXELS * RB_ADDRESS_BYTES;
  ensures \result.outside + \max(\result.window.tap_bytes, fours(shape->input.channels)) <= \result.copies;
  ensures \result.window.rows != 0 ==> \result.copies + \result.window.copies_bytes +
      \result.window.row_bytes + RB_ROW_TILE_PIXELS * shape->input.pixel_stride <= \result.end;
  ensures \result.copies <= \result.end <= 1 << 26; */
rb_tiles_workspace rb_tiles_workspace_of(const rb_conv_shape *shape);

// runs: the addresses of one pixel's taps, then one pixel of zero points.
typedef struct {
    size_t outside, end;
} rb_runs_workspace;
/*@ requires \valid_read(shape) && is_verified(shape);
  assigns \nothing;
  ensures \result.outside >= shape->kernel_height * shape->kernel_width * RB_ADDRESS_BYTES;
  ensures \result.outside + fours(shape->input.channels) <= \result.end <= 1 << 20; */
rb_runs_workspace rb_runs_workspace_of(const rb_conv_shape *shape);

// depthwise_rows: one pixel of zero points, then what is written of an output row that does not exist.
typedef struct {
    size_t nowhere, end;
} rb_depthwise_rows_workspace;
/*@ requires \valid_read(shape) && is_verified(shape);
  assigns \nothing;
  ensures shape->input.channels <= \result.nowhere;
  ensures \result.nowhere + shape->input.channels <= \result.end <= 1 << 18; */
rb_depthwise_rows_workspace rb_depthwise_rows_workspace_of(const rb_conv_shape *shape);

// winograd4, winograd2: one pixel of zero points, then the transformed activations and the products of
// RB_WINOGRAD_TOGETHER tiles of `side` output pixels a side.
enum { RB_WINOGRAD_TOGETHER = 4 };
typedef struct {
    size_t inputs, products, end;
} rb_winograd_workspace;
/*@ requires \valid_read(shape) && is_verified(shape) && (side == 2 || side == 4);
  assigns \nothing;
  ensures shape->input.channels <= \result.inputs <= \result.products <= \result.end <= 1 << 25;
  ensures \result.products - \result.inputs >=
      (side + 2) * (side + 2) * RB_WINOGRAD_TOGETHER * shape->input.channels * sizeof(int16_t); */
rb_winograd_workspace rb_winograd_workspace_of(const rb_conv_shape *shape, int32_t side);

// A product of two tensors: weights, biases and multipliers as a convolution of that shape has them, its packed
// weights, and its own scratch memory.
typedef struct {
    size_t bias, multiplier, packed, scratch, end;
} rb_product_workspace;
rb_conv_shape rb_matrix_product_shape(const rb_matrix_product *product);
rb_product_workspace rb_product_workspace_of(rb_path path, const rb_matrix_product *product);

// The sizes of all of these by the names that stand in kernels.inc, in bytes, multiples of 64.
size_t rb_workspace_tiles(const rb_conv_shape *shape);
size_t rb_workspace_copied_rows(const rb_conv_shape *shape);
size_t rb_workspace_runs(const rb_conv_shape *shape);
size_t rb_workspace_depthwise_rows(const rb_conv_shape *shape);
size_t rb_workspace_winograd4(const rb_conv_shape *shape);
size_t rb_workspace_winograd2(const rb_conv_shape *shape);
size_t rb_workspace_none(const rb_conv_shape *shape);
