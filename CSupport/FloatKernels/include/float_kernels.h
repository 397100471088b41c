// Inner loops over float32 arrays, for the host: what calibration measures on every value of every tensor.
//
// Plain C for the compiler to vectorise; every function gives the same bits on every machine.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The smallest and the largest of `count` values, or false where one is not finite.
bool rb_f32_extremes(const float *values, size_t count, float *smallest, float *largest);

/// Adds 1 to counts[half_bins + floor(value * per_unit)] for every value that is not 0. Every value times per_unit must
/// lie in
/// [-half_bins, half_bins).
void rb_f32_histogram(const float *values, size_t count, float per_unit, int half_bins, int64_t *counts);

/// The sum of `count` values in double, in a fixed order.
double rb_f32_sum(const float *values, size_t count);

/// Replaces every value by the nearest that an affine byte can stand for: scale * (byte - zero_point), byte 0...255.
void rb_f32_round_to_bytes(float *values, size_t count, float scale, int zero_point);

/// The sum of squares of a[i] - b[i], in double, in a fixed order.
double rb_f32_squared_distance(const float *a, const float *b, size_t count);

/// The sum of squares, in double, in a fixed order.
double rb_f32_squared_norm(const float *values, size_t count);

/// The sum of squares of what an affine uint8 tensor is away from `values`, `[channels][pixels]`: its bytes are
/// `[pixels][pixel_stride]`, of which the first `channels` count, and stand for scale * (byte - zero_point).
double rb_f32_distance_to_bytes(const float *values, const uint8_t *bytes, size_t pixels, size_t channels,
                                size_t pixel_stride, float scale, int zero_point);

/// How many bytes of such a tensor are at an end of their range that is not zero itself.
size_t rb_saturated_bytes(const uint8_t *bytes, size_t pixels, size_t channels, size_t pixel_stride, int zero_point);

/// The sum over the bins of a histogram of count times squared rounding error: bin i stands for counts[i] values of
/// values[i], in rising order, which become scale * (byte - zero_point).
double rb_histogram_squared_error(const double *values, const double *counts, size_t bins, double scale,
                                  int zero_point);

/// The Kullback-Leibler divergence KL(P || Q), in nats, that rounding a histogram to bytes costs. P is how often the
/// values inside the bytes' range occurred, with those outside it added to its outermost bins; Q is P without them,
/// averaged over the bins of each byte, at least one value in every bin (Migacz, "8-bit Inference with TensorRT",
/// 2017). Infinity where nothing is inside.
double rb_histogram_divergence(const double *values, const double *counts, size_t bins, double scale, int zero_point);

/// The scale whose rounding of weights to -127...127 has the smallest square error: of those that make 127 of the
/// largest weight or of 1 to 30 % less, where the few largest weights are cut off for finer steps; 0 where all weights
/// are 0.
double rb_best_weight_scale(const float *weights, size_t count);

/// What rounding changed: sums over the weights of their squares, of their squared errors, and of error times mean
/// input.
typedef struct {
    double signal, noise, mean_shift;
} rb_weight_error;

/// Rounds the weights of one output channel, `[inputs][positions]`, to `[positions][inputs]` in -127...127.
/// `mean_inputs` stand as the weights do. `scale` is positive.
rb_weight_error rb_quantize_weights(const float *weights, const double *mean_inputs, size_t inputs, size_t positions,
                                    double scale, int8_t *quantized);

/// output += weights * matrix: weights are `[rows][terms]`, the matrix `[terms]` rows of `columns` values,
/// `matrix_stride` apart, the output `[rows]` rows of `columns`, `output_stride` apart. Every sum takes its terms in
/// their order, one product rounded and one sum rounded after the other.
void rb_f32_add_product(const float *weights, size_t rows, size_t terms, const float *matrix, size_t columns,
                        size_t matrix_stride, float *output, size_t output_stride);

/// output[i] += factor * values[i * stride] for `count` values.
void rb_f32_add_scaled(float factor, const float *values, size_t count, size_t stride, float *output);
