// 16-bit brightness to 8 bits, where a part of its range is to be black to white.
#pragma once
#include "formats.h"

enum { RB_VALUE_COUNTS = 1 << 16 };

// Grey is round(255 * (value - low) / span), in 0..255.
typedef struct {
    int32_t low, span;
    uint64_t factor; // 255 / span, times 2^40
} rb_stretch;

// That of a frame, where the plan's levels are not those of the format.
rb_stretch rb_stretch_of(const rb_pixels_plan *plan, const rb_pixels_frame *frame);
// `count` pixels of row y, from column `begin` on.
void rb_stretch_row(const rb_pixels_frame *frame, const rb_stretch *stretch, int32_t y, int32_t begin, int32_t count,
                    uint8_t *restrict grey);
