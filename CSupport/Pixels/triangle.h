// The weights of the triangle filter along one axis.
#pragma once
#include <stdint.h>

enum { RB_WEIGHT_BITS = 14 }; // weights of an output position sum to exactly 2^14, which fits int16

// Resizing from `source` to `resized` positions, of which the outputs are the `count` from `crop` on.
typedef struct {
    int32_t source, resized, crop, count;
} rb_axis;

// The most source positions that contribute to one output position.
int32_t rb_axis_taps(const rb_axis *axis);
// The most output positions that one source position contributes to.
int32_t rb_axis_overlap(const rb_axis *axis);
// For every output position the first contributing source position, how many contribute (contributors may be NULL),
// and their weights, `stride` apart, the rest of the stride zero.
void rb_axis_weights(const rb_axis *axis, int32_t stride, int32_t *first, int32_t *contributors, int16_t *weights);
