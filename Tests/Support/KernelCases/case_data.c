// The memory and the numbers of a case.
#include "cases.h"
#include <math.h>
#include <stdlib.h>

rb_regions rb_make_regions(void) {
    rb_regions regions;
    rb_guarded *region = &regions.input;
    for (size_t i = 0; i < sizeof regions / sizeof *region; i++) {
        region[i] =
            rb_guarded_make(&region[i] == &regions.packed         ? RB_PACKED_REGION_BYTES
                            : &region[i] == &regions.scratch      ? RB_SCRATCH_REGION_BYTES
                            : &region[i] == &regions.more_scratch ? RB_SCRATCH_REGION_BYTES * (RB_MOST_THREADS - 1)
                                                                  : RB_REGION_BYTES);
    }
    return regions;
}

void rb_free_regions(rb_regions *regions) {
    rb_guarded *region = &regions->input;
    for (size_t i = 0; i < sizeof *regions / sizeof *region; i++) {
        rb_guarded_free(&region[i]);
    }
}

// A tensor ends with the last pixel's channels, rounded up to 4 where kernels may read that far.
size_t rb_tensor_bytes(const rb_shape *shape, int32_t last_pixel_bytes) {
    return ((size_t)shape->height * shape->width - 1) * shape->pixel_stride + (size_t)last_pixel_bytes;
}

size_t rb_readable_bytes(const rb_shape *shape) {
    return rb_tensor_bytes(shape, (shape->channels + 3) / 4 * 4);
}

void rb_fill_bytes(rb_random *random, uint8_t *bytes, size_t count) {
    const int32_t kind = rb_random_in(random, 0, 7);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = kind == 0 ? 0 : kind == 1 ? 255 : (uint8_t)rb_random_bits(random);
    }
}

static void fill_weights(rb_random *random, int8_t *weights, size_t count) {
    const int32_t kind = rb_random_in(random, 0, 7);
    for (size_t i = 0; i < count; i++) {
        const int8_t value = (int8_t)rb_random_bits(random);
        weights[i] = kind == 0 ? -128 : kind == 1 ? 127 : kind == 2 ? (value < 0 ? -128 : 127) : value;
    }
}

// The verifier's bound leaves the weights of a channel a sum of magnitudes of 2^22 at most.
static void bound_weights(int8_t *weights, int32_t count) {
    int32_t left = (1 << 22) - 1;
    for (int32_t i = 0; i < count; i++) {
        weights[i] = abs(weights[i]) <= left ? weights[i] : 0;
        left -= abs(weights[i]);
    }
}

// Biases up to the bound that the verifier keeps: |bias| + 512 * sum |w| <= 2^31 - 1.
static void fill_bias(rb_random *random, const int8_t *weights, int32_t weights_each, int32_t *bias, int32_t count) {
    const int32_t kind = rb_random_in(random, 0, 5);
    for (int32_t o = 0; o < count; o++) {
        int64_t most = INT32_MAX;
        for (int32_t i = 0; i < weights_each; i++) {
            most -= 512 * abs(weights[(size_t)o * weights_each + i]);
        }
        bias[o] = kind == 0 ? (int32_t)most : kind == 1 ? (int32_t)-most : rb_random_in(random, -20000, 20000);
    }
}

// Multipliers that spread the results over the output's range, or land on ties, or are as extreme as the verifier lets.
static void fill_multipliers(rb_random *random, float *multipliers, int32_t count) {
    const int32_t kind = rb_random_in(random, 0, 9);
    for (int32_t o = 0; o < count; o++) {
        const float mantissa = (float)rb_random_in(random, 1 << 14, (1 << 15) - 1);
        const float spread = ldexpf(mantissa, rb_random_in(random, -29, -20));
        multipliers[o] = kind == 0   ? 0.0f
                         : kind == 1 ? ldexpf(1.0f, -100)
                         : kind == 2 ? 1048576.0f
                         : kind <= 4 ? ldexpf(1.0f, rb_random_in(random, -8, -1))
                                     : spread;
    }
}

rb_conv rb_case_conv(rb_random *random, const rb_conv_shape *s, const rb_regions *r, bool at_front) {
    const int32_t weights_each = s->kernel_height * s->kernel_width * (s->input.channels / s->groups);
    const int32_t outputs = s->output.channels;
    const size_t weight_count = (size_t)outputs * weights_each;
    uint8_t *input = rb_guarded_place(&r->input, rb_readable_bytes(&s->input), at_front);
    int8_t *weights = rb_guarded_place(&r->weights, weight_count, at_front);
    int32_t *bias = rb_guarded_place(&r->bias, (size_t)outputs * sizeof(int32_t), at_front);
    float *multiplier = rb_guarded_place(&r->multiplier, (size_t)outputs * sizeof(float), at_front);
    uint8_t *residual = NULL;
    if (s->residual.height != 0) {
        residual = rb_guarded_place(&r->residual, rb_readable_bytes(&s->residual), at_front);
        rb_fill_bytes(random, residual, rb_readable_bytes(&s->residual));
    }
    rb_fill_bytes(random, input, rb_readable_bytes(&s->input));
    fill_weights(random, weights, weight_count);
    for (int32_t o = 0; o < outputs; o++) {
        bound_weights(weights + (size_t)o * weights_each, weights_each);
    }
    fill_bias(random, weights, weights_each, bias, outputs);
    fill_multipliers(random, multiplier, outputs);
    return (rb_conv){
        .shape = *s,
        .input = input,
        .residual = residual,
        .weights = weights,
        .bias = bias,
        .multiplier = multiplier,
        .parts = 1,
    };
}
