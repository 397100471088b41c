// What the NEON kernels ask of packed weights.
#pragma once
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>

// Whether, in `pairs` pairs of vectors of `length` weights (a multiple of 16), two weights of -128 stand at the same
// place: then the sum of their products with two activations of -128 does not fit 16 bits. With any others it does: at
// most 128 * (128 + 127).
static inline bool rb_least_weights_meet(const int8_t *weights, int64_t pairs, int32_t length) {
    int8x16_t least = vdupq_n_s8(127); // of the larger ones
    for (int64_t pair = 0; pair < pairs; pair++, weights += 2 * length) {
        for (int32_t i = 0; i < length; i += 16) {
            least = vminq_s8(least, vmaxq_s8(vld1q_s8(weights + i), vld1q_s8(weights + length + i)));
        }
    }
    int8_t lanes[16];
    vst1q_s8(lanes, least);
    bool meet = false;
    for (int32_t lane = 0; lane < 16; lane++) {
        meet |= lanes[lane] == INT8_MIN;
    }
    return meet;
}
