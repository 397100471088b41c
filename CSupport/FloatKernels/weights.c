#include "float_kernels.h"
#include <math.h>

enum { LANES = 8 };

// The nearest integer, to even at a tie, of a magnitude below 2^51: what lies behind the point has no room in the sum.
static double nearest(double value) {
    const double magic = 6755399441055744.0; // 1.5 * 2^52
    return (value + magic) - magic;
}

static double to_int8(double weight, double scale) {
    double steps = weight / scale;
    steps = steps < -127 ? -127 : steps;
    return nearest(steps > 127 ? 127 : steps);
}

static double squared_error(const float *weights, size_t count, double scale) {
    double sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            double error = to_int8(weights[i + lane], scale) * scale - weights[i + lane];
            sums[lane] += error * error;
        }
    }
    for (int lane = 0; i < count; i++, lane++) {
        double error = to_int8(weights[i], scale) * scale - weights[i];
        sums[lane] += error * error;
    }
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

double rb_best_weight_scale(const float *weights, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)weights[i]));
    }
    double best = largest / 127, least = INFINITY;
    // Errors of still smaller weights would underflow.
    for (int percent = 0; largest > 0x1p-100 && percent <= 30; percent++) {
        double scale = largest / 127 * (1 - percent / 100.0);
        double error = squared_error(weights, count, scale);
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    return best;
}

rb_weight_error rb_quantize_weights(const float *weights, const double *mean_inputs, size_t inputs, size_t positions,
                                    double scale, int8_t *quantized) {
    rb_weight_error result = {0, 0, 0};
    for (size_t input = 0; input < inputs; input++) {
        for (size_t position = 0; position < positions; position++) {
            size_t i = input * positions + position;
            double integer = to_int8(weights[i], scale);
            double error = integer * scale - weights[i];
            result.signal += (double)weights[i] * weights[i];
            result.noise += error * error;
            result.mean_shift += error * mean_inputs[i];
            quantized[position * inputs + input] = (int8_t)integer;
        }
    }
    return result;
}
