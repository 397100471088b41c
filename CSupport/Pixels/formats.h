// The pixel formats, for the other files of this module.
#pragma once
#include "include/pixels.h"

// Compiled for processors with AVX2 too, and chosen when the program starts (before the thread sanitizer is there,
// which must not look on then). Integer arithmetic: the same bits.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define RB_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define RB_VECTORISED
#endif

// What Y, U and V become, times 2^13: these numbers and their products with 16-bit values fit vector multiplications.
typedef struct {
    int32_t black; // the Y of black
    int32_t luma, red_v, green_u, green_v, blue_u;
} rb_yuv_weights;

// Converts `count` pixels of row y, from column `begin` on, to 8-bit red, green and blue. begin is even. Formats
// without chroma ignore the weights.
typedef void rb_convert_row(const rb_pixels_frame *frame, const rb_yuv_weights *weights, int32_t y, int32_t begin,
                            int32_t count, uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue);

#define RB_CONVERT_ROW(name)                                                                                           \
    void name(const rb_pixels_frame *frame, const rb_yuv_weights *weights, int32_t y, int32_t begin, int32_t count,    \
              uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue)

RB_CONVERT_ROW(rb_convert_yuyv);
RB_CONVERT_ROW(rb_convert_uyvy);
RB_CONVERT_ROW(rb_convert_yvyu);
RB_CONVERT_ROW(rb_convert_vyuy);
RB_CONVERT_ROW(rb_convert_nv16);
RB_CONVERT_ROW(rb_convert_nv61);
RB_CONVERT_ROW(rb_convert_nv12);
RB_CONVERT_ROW(rb_convert_nv21);
RB_CONVERT_ROW(rb_convert_yuv420);
RB_CONVERT_ROW(rb_convert_yvu420);
RB_CONVERT_ROW(rb_convert_rgb24);
RB_CONVERT_ROW(rb_convert_bgr24);
RB_CONVERT_ROW(rb_convert_bgrx);
RB_CONVERT_ROW(rb_convert_xrgb);
RB_CONVERT_ROW(rb_convert_xbgr);
RB_CONVERT_ROW(rb_convert_rgbx);
RB_CONVERT_ROW(rb_convert_rgb565);
RB_CONVERT_ROW(rb_convert_grey);
RB_CONVERT_ROW(rb_convert_y10);
RB_CONVERT_ROW(rb_convert_y16);

// Planes other than the first have half the columns, as pairs of bytes where there are two planes and as bytes where
// there are three, and half the rows, rounded up.
typedef struct {
    uint32_t fourcc;
    int32_t planes;
    bool is_apart;               // each plane is a memory of its own
    int32_t column_bytes;        // of the first plane
    bool has_chroma;             // Y, U and V; pairs of columns share U and V
    rb_convert_row *convert_row; // NULL for the kinds below
    enum { RB_ROWS, RB_COMPRESSED, RB_FOREIGN } kind;
    bool has_all_rows; // of chroma: as many as of Y
} rb_format;

static inline bool rb_side_in_range(int32_t side) {
    return side >= 1 && side <= RB_PIXELS_MAX_SIDE;
}

static inline const uint8_t *rb_row(const rb_pixels_frame *frame, int32_t plane, int32_t y) {
    return frame->plane[plane] + (ptrdiff_t)y * frame->stride[plane];
}

// NULL for a number that is no format.
const rb_format *rb_format_get(int32_t format);
// Whether the range of these values is to be widened where RGB is quantised; Y, U and V are widened as they are
// converted.
bool rb_format_widens_rgb(const rb_format *format, rb_pixels_colour colour);
// NULL for a colour that is none.
const rb_yuv_weights *rb_yuv_weights_get(rb_pixels_colour colour);
