// The pixel formats, for the other files of this module.
#pragma once
#include "include/pixels.h"

// Converts `count` pixels of row y, from column `begin` on, to 8-bit red, green and blue. begin is even.
typedef void rb_convert_row(const rb_pixels_frame *frame, int32_t y, int32_t begin, int32_t count,
                            uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue);

// A plane other than the first has the first one's stride and, here, the height halved and rounded up.
typedef struct {
    uint32_t fourcc;
    int32_t planes;
    int32_t column_bytes; // of the first plane
    bool paired_columns;  // columns share chroma by two
    rb_convert_row *convert_row;
} rb_format;

static inline bool rb_side_in_range(int32_t side) {
    return side >= 1 && side <= RB_PIXELS_MAX_SIDE;
}

// NULL for a number that is no format.
const rb_format *rb_format_get(int32_t format);
