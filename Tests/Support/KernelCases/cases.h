// The convolutions that the kernels are compared on.
#pragma once
#include "conv.h"
#include "support.h"

// The shape of a case: every channel count from 1 to 70, kernels to 7x7, strides and dilations to 3, any padding that
// the sizes allow, groups, every kind of residual and clamp. Draws from `random`.
rb_conv_shape rb_case_shape(rb_random *random, int32_t index);

// The memory of one convolution at a time, every piece against a guard page.
typedef struct {
    rb_guarded input, output, expected, residual, weights, bias, multiplier, packed, scratch;
} rb_regions;
rb_regions rb_make_regions(void);
void rb_free_regions(rb_regions *regions);

// A convolution over all rows with everything but output and packed weights: extreme and ordinary activations, weights,
// biases and multipliers, within what the model verifier lets through. Draws from `random`.
rb_conv rb_case_conv(rb_random *random, const rb_conv_shape *s, const rb_regions *r, bool at_front);

// Bytes of a tensor from its first pixel to `last_pixel_bytes` of its last.
size_t rb_tensor_bytes(const rb_shape *shape, int32_t last_pixel_bytes);
