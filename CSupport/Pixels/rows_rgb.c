// Rows of the formats with red, green and blue, or brightness alone.
#include "formats.h"
#include <string.h>

// `r`, `g`, `b`: the bytes of a pixel; `step`: bytes from one pixel to the next.
#define BYTES(name, step, r, g, b)                                                                                     \
    RB_VECTORISED RB_CONVERT_ROW(name) {                                                                               \
        (void)weights;                                                                                                 \
        const uint8_t *restrict pixel = rb_row(frame, 0, y) + (step)*begin;                                            \
        for (int32_t x = 0; x < count; x++) {                                                                          \
            red[x] = pixel[(step)*x + (r)];                                                                            \
            green[x] = pixel[(step)*x + (g)];                                                                          \
            blue[x] = pixel[(step)*x + (b)];                                                                           \
        }                                                                                                              \
    }

BYTES(rb_convert_rgb24, 3, 0, 1, 2)
BYTES(rb_convert_bgr24, 3, 2, 1, 0)
BYTES(rb_convert_bgrx, 4, 2, 1, 0)
BYTES(rb_convert_xrgb, 4, 1, 2, 3)
BYTES(rb_convert_xbgr, 4, 3, 2, 1)
BYTES(rb_convert_rgbx, 4, 0, 1, 2)

// Five and six bits to eight: the highest bits are repeated below, so that all ones stay all ones. That is
// round(255 v / 31) and round(255 v / 63), but for some values by one less or more.
RB_VECTORISED RB_CONVERT_ROW(rb_convert_rgb565) {
    (void)weights;
    const uint8_t *restrict pixel = rb_row(frame, 0, y) + 2 * begin;
    for (int32_t x = 0; x < count; x++) {
        const uint32_t value = pixel[2 * x] | (uint32_t)pixel[2 * x + 1] << 8;
        const uint32_t r = value >> 11, g = value >> 5 & 63, b = value & 31;
        red[x] = (uint8_t)(r << 3 | r >> 2);
        green[x] = (uint8_t)(g << 2 | g >> 4);
        blue[x] = (uint8_t)(b << 3 | b >> 2);
    }
}

static void copy_to_all(const uint8_t *restrict grey, int32_t count, uint8_t *restrict green, uint8_t *restrict blue) {
    memcpy(green, grey, (size_t)count);
    memcpy(blue, grey, (size_t)count);
}

RB_CONVERT_ROW(rb_convert_grey) {
    (void)weights;
    memcpy(red, rb_row(frame, 0, y) + begin, (size_t)count);
    copy_to_all(red, count, green, blue);
}

// The highest eight of the bits that count, as of the 16-bit samples of picture files.
RB_VECTORISED RB_CONVERT_ROW(rb_convert_y10) {
    (void)weights;
    const uint8_t *restrict pixel = rb_row(frame, 0, y) + 2 * begin;
    for (int32_t x = 0; x < count; x++) {
        red[x] = (uint8_t)(pixel[2 * x] >> 2 | pixel[2 * x + 1] << 6);
    }
    copy_to_all(red, count, green, blue);
}

RB_VECTORISED RB_CONVERT_ROW(rb_convert_y16) {
    (void)weights;
    const uint8_t *restrict pixel = rb_row(frame, 0, y) + 2 * begin;
    for (int32_t x = 0; x < count; x++) {
        red[x] = pixel[2 * x + 1];
    }
    copy_to_all(red, count, green, blue);
}
