#include "triangle.h"
#include <stddef.h>

// Source position i has its centre at i + 1/2, output position o at (o + 1/2) * source / resized in the same units.
// The triangle is 1 - distance / radius with radius max(1, source / resized). Times 2 * resized * radius all of this
// is an integer: nothing is rounded before the weights are normalised.
static int64_t triangle(const rb_axis *axis, int64_t o, int64_t i) {
    const int64_t wider = axis->source > axis->resized ? axis->source : axis->resized;
    const int64_t offset = (2 * i + 1) * axis->resized - (2 * o + 1) * axis->source;
    return 2 * wider - (offset < 0 ? -offset : offset);
}

// Twice the radius, in units of `unit` / (larger of the two sizes), rounded up: positions strictly within the triangle.
static int32_t positions_within(const rb_axis *axis, int32_t unit) {
    const int32_t wider = axis->source > axis->resized ? axis->source : axis->resized;
    return (2 * wider + unit - 1) / unit;
}

int32_t rb_axis_taps(const rb_axis *axis) {
    return positions_within(axis, axis->resized);
}

int32_t rb_axis_overlap(const rb_axis *axis) {
    return positions_within(axis, axis->source);
}

void rb_axis_weights(const rb_axis *axis, int32_t stride, int32_t *first, int32_t *contributors, int16_t *weights) {
    int32_t begin = 0;
    for (int32_t o = 0; o < axis->count; o++, weights += stride) {
        while (triangle(axis, axis->crop + o, begin) <= 0) {
            begin++;
        }
        int32_t end = begin;
        int64_t total = 0;
        while (end < axis->source && triangle(axis, axis->crop + o, end) > 0) {
            total += triangle(axis, axis->crop + o, end++);
        }
        // Rounding the running sum, rather than each weight, makes them sum to exactly one.
        int64_t sum = 0, given = 0;
        for (int32_t i = 0; i < stride; i++) {
            sum += begin + i < end ? triangle(axis, axis->crop + o, begin + i) : 0;
            const int64_t rounded = ((sum << (RB_WEIGHT_BITS + 1)) + total) / (2 * total);
            weights[i] = (int16_t)(rounded - given);
            given = rounded;
        }
        first[o] = begin;
        if (contributors) {
            contributors[o] = end - begin;
        }
    }
}
