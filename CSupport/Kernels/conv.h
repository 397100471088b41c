// Shared by the convolution kernels, their dispatch and their tests; not part of the public interface.
#pragma once
#include "include/kernels.h"
#include "proof.h"

#define RB_CONV_KERNEL(name, path, layout, workspace) void name(const rb_conv *conv);
#include "kernels.inc"
#undef RB_CONV_KERNEL

/*@ requires \valid_read(shape) && 0 <= y < shape->height <= 65535 && 0 <= x < shape->width <= 65535;
  requires 4 <= shape->pixel_stride && (shape->height * shape->width - 1) * shape->pixel_stride <= 0x7fffffff;
  assigns \nothing;
  ensures \result == (y * shape->width + x) * shape->pixel_stride; */
static inline size_t rb_pixel_offset(const rb_shape *shape, int32_t y, int32_t x) {
    //@ ghost product_grows(y + 1, shape->height, shape->width);
    //@ ghost product_within(y, shape->width, 65535, 65535);
    //@ ghost int64_t pixel = (int64_t)y * shape->width + x, last = (int64_t)shape->height * shape->width - 1;
    //@ ghost product_grows(pixel, last, shape->pixel_stride);
    //@ ghost product_grows(0, pixel, shape->pixel_stride);
    return ((size_t)y * (size_t)shape->width + (size_t)x) * (size_t)shape->pixel_stride;
}

/*@ requires multiple == 4 || multiple == 8 || multiple == 16 || multiple == 64;
  requires count <= 0x7fffffff;
  assigns \nothing;
  ensures count <= \result < count + multiple && \result % multiple == 0; */
static inline size_t rb_round_up(size_t count, size_t multiple) {
    return (count + multiple - 1) / multiple * multiple;
}

// Input channels as kernels read them, in fours.
/*@ requires \valid_read(shape) && 1 <= shape->input.channels <= 65535;
  assigns \nothing;
  ensures \result == (shape->input.channels + 3) / 4 * 4; */
static inline int32_t rb_rounded_inputs(const rb_conv_shape *shape) {
    return (int32_t)rb_round_up((size_t)shape->input.channels, 4);
}

// The whole number nearest to a value clamped to a byte's range, halves to even: the requantisation of the operations
// that have one implementation. Added to 1.5 * 2^23, a small number loses its fraction by the processor's own rounding.
// What is no number becomes the lowest: none reaches the conversion.
/*@ assigns \nothing; */
static inline int32_t rb_round_clamped(float value, float low, float high) {
    const float raised = value > low ? value : low;
    const float clamped = raised < high ? raised : high;
    return (int32_t)((clamped + 12582912.0f) - 12582912.0f);
}

// Of `count` things, the share of one part: the shares differ by one at most.
typedef struct {
    int32_t begin, end;
} rb_range;
/*@ requires 0 <= count && 0 <= part < parts;
  assigns \nothing;
  ensures 0 <= \result.begin <= \result.end <= count; */
static inline rb_range rb_share(int32_t count, int32_t part, int32_t parts) {
    //@ ghost int64_t next = (int64_t)part + 1;
    //@ ghost product_grows(0, part, count);
    //@ ghost product_grows(part, next, count);
    //@ ghost product_grows(next, parts, count);
    //@ ghost quotient_grows((int64_t)count * part, (int64_t)count * next, parts);
    //@ ghost quotient_grows((int64_t)count * next, (int64_t)count * parts, parts);
    return (rb_range){(int32_t)((int64_t)count * part / parts), (int32_t)((int64_t)count * (part + 1) / parts)};
}

// A weight layout: which convolutions it can hold, how large it is packed, and how it is written.
typedef struct {
    bool (*supports)(const rb_conv_shape *shape);
    size_t (*packed_bytes)(const rb_conv_shape *shape); // a multiple of 64
    void (*pack)(const rb_conv *conv, void *packed);
    bool packs_shares; // `pack` writes the conv's share alone, of blocks of output channels; else all
} rb_layout;

extern const rb_layout rb_layout_in_place;
extern const rb_layout rb_layout_o16c2_u8;
extern const rb_layout rb_layout_o16c2_s8;
extern const rb_layout rb_layout_o16c4_u8;
extern const rb_layout rb_layout_o16c4_rows_u8;
extern const rb_layout rb_layout_o16c4_s8;
extern const rb_layout rb_layout_o16c8_s8;
extern const rb_layout rb_layout_dw64_u8;
extern const rb_layout rb_layout_winograd4_s8;
extern const rb_layout rb_layout_winograd2_s8;
extern const rb_layout rb_layout_dw16c2_u8;
extern const rb_layout rb_layout_g64_u8;
extern const rb_layout rb_layout_dw16_s8;
extern const rb_layout rb_layout_dw8r4_s8;

// One line of kernels.inc. run is NULL where this build lacks the kernel's instruction set: its layout stays, because
// every build can size and pack the weights of every path.
typedef struct {
    const char *name;
    rb_path path;
    const rb_layout *layout;
    size_t (*scratch_bytes)(const rb_conv_shape *shape); // what `run` needs, a multiple of 64; see workspace.h
    void (*run)(const rb_conv *conv);
} rb_conv_kernel;

// Every kernel, in the order of kernels.inc.
extern const rb_conv_kernel rb_conv_kernels[];
extern const int32_t rb_conv_kernel_count;
