#include "float_kernels.h"
#include <math.h>
#include <string.h>

// Sums and extremes go through eight running results, value i to result i % 8: one alone would wait for the latency of
// an addition at every value, and a compiler must not reorder them by itself.
enum { LANES = 8 };

bool rb_f32_extremes(const float *values, size_t count, float *smallest, float *largest) {
    float low[LANES], high[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        low[lane] = INFINITY;
        high[lane] = -INFINITY;
    }
    uint32_t not_finite = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        not_finite |= (bits & 0x7F800000) == 0x7F800000;
    }
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            float value = values[i + lane];
            low[lane] = value < low[lane] ? value : low[lane];
            high[lane] = value > high[lane] ? value : high[lane];
        }
    }
    for (; i < count; i++) {
        low[0] = values[i] < low[0] ? values[i] : low[0];
        high[0] = values[i] > high[0] ? values[i] : high[0];
    }
    for (int lane = 1; lane < LANES; lane++) {
        low[0] = low[lane] < low[0] ? low[lane] : low[0];
        high[0] = high[lane] > high[0] ? high[lane] : high[0];
    }
    *smallest = low[0];
    *largest = high[0];
    return !not_finite;
}

void rb_f32_histogram(const float *values, size_t count, float per_unit, int half_bins, int64_t *counts) {
    for (size_t i = 0; i < count; i++) {
        if (values[i] != 0) {
            float position = values[i] * per_unit;
            int bin = (int)position;
            bin -= (float)bin > position;
            counts[half_bins + bin]++;
        }
    }
}

static double sum_of(const double sums[LANES]) {
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

double rb_f32_sum(const float *values, size_t count) {
    double sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            sums[lane] += values[i + lane];
        }
    }
    for (int lane = 0; i < count; i++, lane++) {
        sums[lane] += values[i];
    }
    return sum_of(sums);
}

double rb_f32_squared_distance(const float *a, const float *b, size_t count) {
    double sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            double difference = (double)a[i + lane] - (double)b[i + lane];
            sums[lane] += difference * difference;
        }
    }
    for (int lane = 0; i < count; i++, lane++) {
        double difference = (double)a[i] - (double)b[i];
        sums[lane] += difference * difference;
    }
    return sum_of(sums);
}

double rb_f32_squared_norm(const float *values, size_t count) {
    double sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            sums[lane] += (double)values[i + lane] * (double)values[i + lane];
        }
    }
    for (int lane = 0; i < count; i++, lane++) {
        sums[lane] += (double)values[i] * (double)values[i];
    }
    return sum_of(sums);
}

void rb_f32_round_to_bytes(float *values, size_t count, float scale, int zero_point) {
    const float low = (float)-zero_point, high = (float)(255 - zero_point);
    const float per_unit = 1 / scale;
    // Adding and taking away 1.5 * 2^23 rounds a magnitude below 2^22 to the nearest integer, to even at a tie.
    const float magic = 12582912.0f;
    for (size_t i = 0; i < count; i++) {
        float steps = values[i] * per_unit;
        steps = steps < low ? low : steps;
        steps = steps > high ? high : steps;
        values[i] = ((steps + magic) - magic) * scale;
    }
}
