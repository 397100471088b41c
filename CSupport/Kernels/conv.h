// Shared by the convolution kernels and their dispatch; not part of the public interface.
#pragma once
#include "include/kernels.h"

#define RB_CONV_KERNEL(name, path, layout) void name(const rb_conv *conv);
#include "kernels.inc"
#undef RB_CONV_KERNEL

static inline size_t rb_pixel_offset(const rb_shape *shape, int32_t y, int32_t x) {
    return ((size_t)y * (size_t)shape->width + (size_t)x) * (size_t)shape->pixel_stride;
}

// A weight layout: which convolutions it can hold, how large it is packed, and how it is written.
typedef struct {
    bool (*supports)(const rb_conv_shape *shape);
    size_t (*packed_bytes)(const rb_conv_shape *shape);
    void (*pack)(const rb_conv *conv, void *packed);
} rb_layout;

extern const rb_layout rb_layout_in_place;
