// The convolutions that the kernels are compared on.
#pragma once
#include "conv.h"
#include "support.h"

// The shape of a case: every channel count from 1 to 70, kernels to 7x7, strides and dilations to 3, any padding that
// the sizes allow, groups, every kind of residual and clamp. Draws from `random`.
rb_conv_shape rb_case_shape(rb_random *random, int32_t index);

// The same for the fuzzer: anything that the model verifier lets through, to its limits, as far as it fits the regions
// and a fraction of a second.
rb_conv_shape rb_wild_conv_shape(rb_random *random);
// Log-uniform in 1...most: small numbers are likelier, the largest come up.
int32_t rb_random_size(rb_random *random, int32_t most);
// A tensor of a random zero point and pixel stride.
rb_shape rb_random_shape(rb_random *random, int32_t height, int32_t width, int32_t channels);

// The memory of one operation at a time, every piece against a guard page.
typedef struct {
    rb_guarded input, output, expected, residual, weights, bias, multiplier, packed, scratch, more_scratch;
} rb_regions;
enum {
    RB_REGION_BYTES = 1 << 20, // of each but the following
    RB_PACKED_REGION_BYTES = 1 << 24,
    RB_SCRATCH_REGION_BYTES = 40 << 20, // enough for the table of a 255 x 255 kernel
    RB_MOST_THREADS = 4
};
rb_regions rb_make_regions(void);
void rb_free_regions(rb_regions *regions);

// A convolution over all rows with everything but output, scratch and packed weights: extreme and ordinary activations,
// weights, biases and multipliers, within what the model verifier lets through. Draws from `random`.
rb_conv rb_case_conv(rb_random *random, const rb_conv_shape *s, const rb_regions *r, bool at_front);

// Bytes of a tensor from its first pixel to `last_pixel_bytes` of its last.
size_t rb_tensor_bytes(const rb_shape *shape, int32_t last_pixel_bytes);
// The same with what a kernel may read of its last pixel: its channels rounded up to a multiple of 4.
size_t rb_readable_bytes(const rb_shape *shape);
void rb_fill_bytes(rb_random *random, uint8_t *bytes, size_t count);

// What the reference gives goes to regions.expected.
void rb_expect(rb_conv conv, const rb_regions *regions, bool at_front);
// What is wrong with a kernel's answer, of which regions.expected holds the right one, or NULL. In one to four parts,
// and over its residual where it may be.
const char *rb_compare_kernel(const rb_conv_kernel *kernel, rb_conv conv, const rb_regions *regions, bool at_front);

int32_t rb_describe_shape(char *text, size_t room, const char *what, const rb_shape *shape);
void rb_describe_conv(char *text, size_t room, const rb_conv_shape *shape);
