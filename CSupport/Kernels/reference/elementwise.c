// What is done to each value by itself: one implementation for all processors. The inner loops run over the channels of
// a pixel, so that a compiler makes vectors of them.
#include "../clones.h"
#include "../lookup.h"
#include <string.h>

// Pixels that follow each other without a gap are one run of bytes.
RB_INLINE bool is_dense(const rb_shape *shape) {
    return shape->pixel_stride == shape->channels;
}

void rb_lookup_run(void *work, int32_t part, int32_t parts, int32_t thread) {
    (void)thread;
    const rb_lookup *lookup = work;
    const rb_shape *input = &lookup->input, *output = &lookup->output;
    const uint8_t flip = rb_path_activation_flip(lookup->path);
    uint8_t table[256];
    for (int32_t q = 0; q < 256; q++) {
        table[q] = lookup->table[q ^ flip] ^ flip;
    }
    const rb_lookup_bytes bytes = rb_lookup_bytes_of(lookup->path);
    const rb_range pixels = rb_share(output->height * output->width, part, parts);
    if (is_dense(input) && is_dense(output)) {
        const size_t begin = (size_t)pixels.begin * (size_t)output->channels;
        const size_t end = (size_t)pixels.end * (size_t)output->channels;
        bytes(table, lookup->input_data + begin, lookup->output_data + begin, end - begin);
        return;
    }
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        bytes(table, lookup->input_data + (size_t)p * (size_t)input->pixel_stride,
              lookup->output_data + (size_t)p * (size_t)output->pixel_stride, (size_t)output->channels);
    }
}

enum { VALUES_TOGETHER = 32, LEAST_TOGETHER = 16 };

// `count` products, of which `stored` are wanted. They pass through memory of their own, for the output may be the
// input: a constant number of values that overlap with nothing is what a compiler makes vectors of.
RB_INLINE void multiply_some(const rb_multiply *product, const uint8_t *a, const uint8_t *b, const uint8_t flip,
                             const int32_t count, int32_t stored, uint8_t *output) {
    const int32_t zero_a = product->input.zero_point, zero_b = product->factor.zero_point;
    const int32_t zero = product->output.zero_point;
    const float low = (float)(product->output_min - zero), high = (float)(product->output_max - zero);
    const float multiplier = product->multiplier;
    uint8_t x[VALUES_TOGETHER] = {0}, y[VALUES_TOGETHER] = {0}, result[VALUES_TOGETHER];
    memcpy(x, a, (size_t)stored);
    memcpy(y, b, (size_t)stored);
    for (int32_t c = 0; c < count; c++) {
        const int32_t integer = ((x[c] ^ flip) - zero_a) * ((y[c] ^ flip) - zero_b);
        const float value = (float)integer * multiplier;
        result[c] = (uint8_t)(rb_round_clamped(value, low, high) + zero) ^ flip;
    }
    memcpy(output, result, (size_t)stored);
}

RB_INLINE void multiply_run(const rb_multiply *product, const uint8_t *a, const uint8_t *b, const uint8_t flip,
                            size_t count, uint8_t *output) {
    size_t c = 0;
    for (; c + VALUES_TOGETHER <= count; c += VALUES_TOGETHER) {
        multiply_some(product, a + c, b + c, flip, VALUES_TOGETHER, VALUES_TOGETHER, output + c);
    }
    for (; c + LEAST_TOGETHER <= count; c += LEAST_TOGETHER) {
        multiply_some(product, a + c, b + c, flip, LEAST_TOGETHER, LEAST_TOGETHER, output + c);
    }
    if (c < count) {
        multiply_some(product, a + c, b + c, flip, LEAST_TOGETHER, (int32_t)(count - c), output + c);
    }
}

RB_INLINE void multiply(const rb_multiply *product, int32_t part, int32_t parts) {
    const rb_shape *input = &product->input, *factor = &product->factor, *output = &product->output;
    const bool is_gate = factor->height == 1 && factor->width == 1;
    const uint8_t flip = rb_path_activation_flip(product->path);
    const rb_range pixels = rb_share(output->height * output->width, part, parts);
    if (!is_gate && is_dense(input) && is_dense(factor) && is_dense(output)) {
        const size_t begin = (size_t)pixels.begin * (size_t)output->channels;
        const size_t count = (size_t)(pixels.end - pixels.begin) * (size_t)output->channels;
        multiply_run(product, product->input_data + begin, product->factor_data + begin, flip, count,
                     product->output_data + begin);
        return;
    }
    const size_t factor_stride = is_gate ? 0 : (size_t)factor->pixel_stride;
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        multiply_run(product, product->input_data + (size_t)p * (size_t)input->pixel_stride,
                     product->factor_data + (size_t)p * factor_stride, flip, (size_t)output->channels,
                     product->output_data + (size_t)p * (size_t)output->pixel_stride);
    }
}

RB_CLONES(rb_multiply, multiply)
