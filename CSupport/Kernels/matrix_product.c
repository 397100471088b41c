// Products of two tensors, as a convolution of single pixels in groups: the factor's bytes become weights in scratch
// memory, packed as the path's kernel wants them.
#include "workspace.h"
#include <string.h>

rb_conv_shape rb_matrix_product_shape(const rb_matrix_product *product) {
    return (rb_conv_shape){
        .input = product->input,
        .output = product->output,
        .groups = product->groups,
        .kernel_height = 1,
        .kernel_width = 1,
        .stride_y = 1,
        .stride_x = 1,
        .dilation_y = 1,
        .dilation_x = 1,
        .output_max = 255,
    };
}

size_t rb_matrix_product_scratch_bytes(rb_path path, const rb_matrix_product *product) {
    return rb_product_workspace_of(path, product).end;
}

size_t rb_matrix_product_most_scratch_bytes(const rb_matrix_product *product) {
    size_t most = 0;
    for (int32_t path = 0; path < RB_PATH_COUNT; path++) {
        const size_t bytes = rb_matrix_product_scratch_bytes((rb_path)path, product);
        most = bytes > most ? bytes : most;
    }
    return most;
}

size_t rb_matrix_product_thread_scratch_bytes(rb_path path, const rb_matrix_product *product) {
    const rb_conv_shape shape = rb_matrix_product_shape(product);
    return rb_conv_scratch_bytes(path, &shape);
}

// The factor as weights, [group][its pixel][channel of the group]: a byte q stands for the weight q - 128.
static void copy_weights(const rb_matrix_product *product, int8_t *weights) {
    const rb_shape *factor = &product->factor;
    const int32_t pixels = factor->height * factor->width, inner = factor->channels / product->groups;
    const uint8_t top_bit = product->flip ^ 0x80;
    for (int32_t group = 0; group < product->groups; group++) {
        for (int32_t pixel = 0; pixel < pixels; pixel++, weights += inner) {
            const uint8_t *source = product->factor_data + (size_t)pixel * (size_t)factor->pixel_stride + group * inner;
            for (int32_t k = 0; k < inner; k++) {
                weights[k] = (int8_t)(source[k] ^ top_bit);
            }
        }
    }
}

void rb_matrix_product_run(rb_path path, const rb_matrix_product *product, int32_t parts, const rb_threads *threads,
                           uint8_t *more_scratch, size_t scratch_bytes) {
    const rb_product_workspace place = rb_product_workspace_of(path, product);
    const int32_t outputs = product->output.channels;
    int8_t *weights = (int8_t *)product->scratch;
    int32_t *bias = (int32_t *)(product->scratch + place.bias);
    float *multiplier = (float *)(product->scratch + place.multiplier);
    copy_weights(product, weights);
    memset(bias, 0, (size_t)outputs * sizeof *bias);
    for (int32_t o = 0; o < outputs; o++) {
        multiplier[o] = product->multiplier;
    }
    rb_conv conv = {
        .shape = rb_matrix_product_shape(product),
        .input = product->input_data,
        .output = product->output_data,
        .weights = weights,
        .bias = bias,
        .multiplier = multiplier,
        .scratch = product->scratch + place.scratch,
        .flip = product->flip,
        .parts = 1,
    };
    rb_conv_pack(path, &conv, product->scratch + place.packed);
    conv.packed = product->scratch + place.packed;
    if (parts > 1) {
        rb_conv_run_shared(path, &conv, parts, threads, more_scratch, scratch_bytes);
    } else {
        rb_conv_run(path, &conv);
    }
}
