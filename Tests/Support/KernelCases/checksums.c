// Operations that have one implementation: their results must be the same bits on every processor.
#include "include/kernel_cases.h"
#include "kernels.h"
#include "support.h"

enum { SIDE = 9, CHANNELS = 21, STRIDE = 24, CLASSES = 13, HEADS = 3, DIMENSIONS = 57 };

static uint32_t max_pool_checksum(const uint8_t *input, int32_t kernel, int32_t stride, int32_t padding) {
    const int32_t side = (SIDE + 2 * padding - kernel) / stride + 1;
    uint8_t output[SIDE * SIDE * STRIDE] = {0};
    rb_max_pool pool = {
        .input = {SIDE, SIDE, CHANNELS, STRIDE, 7},
        .output = {side, side, CHANNELS, STRIDE, 7},
        .kernel_height = kernel,
        .kernel_width = kernel,
        .stride_y = stride,
        .stride_x = stride,
        .padding_top = padding,
        .padding_left = padding,
        .input_data = input,
        .output_data = output,
    };
    rb_max_pool_run(&pool, 0, 1, 0);
    return rb_crc32(0, output, (size_t)(side * side * STRIDE));
}

uint32_t rb_checksum_pooling(void) {
    rb_random random = {1};
    uint8_t input[SIDE * SIDE * STRIDE];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (uint8_t)rb_random_bits(&random);
    }
    float features[CHANNELS];
    rb_global_average_pool average = {{SIDE, SIDE, CHANNELS, STRIDE, 7}, 0.0123f, input, features, 0};
    rb_global_average_pool_run(&average, 0, 1, 0);
    const uint32_t parts[] = {max_pool_checksum(input, 3, 2, 1), max_pool_checksum(input, 2, 2, 0),
                              max_pool_checksum(input, 3, 1, 0), rb_crc32(0, features, sizeof features)};
    return rb_crc32(0, parts, sizeof parts);
}

uint32_t rb_checksum_elementwise(void) {
    rb_random random = {3};
    uint8_t input[SIDE * SIDE * STRIDE], table[256], outputs[3][SIDE * SIDE * STRIDE] = {{0}};
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (uint8_t)rb_random_bits(&random);
    }
    for (size_t i = 0; i < sizeof table; i++) {
        table[i] = (uint8_t)rb_random_bits(&random);
    }
    const rb_shape shape = {SIDE, SIDE, CHANNELS, STRIDE, 101}, gate = {1, 1, CHANNELS, STRIDE, 3};
    rb_lookup lookup = {shape, shape, table, input, outputs[0], 0};
    rb_lookup_run(&lookup, 0, 1, 0);
    rb_multiply product = {shape, gate, shape, 7, 250, 0.00713f, input, table, outputs[1], 0};
    rb_multiply_run(&product, 0, 1, 0);
    rb_average_pool average = {
        .input = shape,
        .output = shape,
        .kernel_height = 3,
        .kernel_width = 3,
        .stride_y = 1,
        .stride_x = 1,
        .padding_top = 1,
        .padding_left = 1,
        .multiplier = 1.37f,
        .input_data = input,
        .output_data = outputs[2],
    };
    rb_average_pool_run(&average, 0, 1, 0);
    return rb_crc32(0, outputs, sizeof outputs);
}

static void fill(rb_random *random, float *values, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        values[i] = rb_random_float(random, 3);
    }
}

uint32_t rb_checksum_head(void) {
    rb_random random = {2};
    float rows[CLASSES * DIMENSIONS], bias[CLASSES], directions[DIMENSIONS], terms[CLASSES * HEADS];
    float features[DIMENSIONS], normalised[DIMENSIONS], logits[CLASSES];
    fill(&random, rows, CLASSES * DIMENSIONS);
    fill(&random, bias, CLASSES);
    fill(&random, directions, DIMENSIONS);
    fill(&random, terms, CLASSES * HEADS);
    uint32_t checksum = 0;
    for (int32_t i = 0; i < 100; i++) {
        fill(&random, features, DIMENSIONS);
        rb_head head = {
            .classes = CLASSES,
            .dimensions = DIMENSIONS,
            .heads = HEADS,
            .feature_norm = (rb_feature_norm)(i % RB_FEATURE_COUNT),
            .rows = rows,
            .bias = bias,
            .directions = directions,
            .direction_terms = terms,
            .alpha = (float)(i % 5),
            .features = features,
            .normalised = normalised,
            .plain = logits,
            .logits = logits,
        };
        rb_head_run(&head);
        checksum = rb_crc32(checksum, logits, sizeof logits);
        rb_softmax(logits, logits, CLASSES);
        checksum = rb_crc32(checksum, logits, sizeof logits);
    }
    return checksum;
}
