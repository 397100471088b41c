// What each pixel format is. To add one: a value in rb_pixels_format, a row function, a line in the table.
#include "formats.h"
#include <string.h>

static const uint8_t *row_of(const rb_pixels_frame *frame, int32_t plane, int32_t y) {
    return frame->plane[plane] + (ptrdiff_t)y * frame->stride[plane];
}

static uint8_t clamp_to_byte(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// ITU-R BT.601, limited range (Y 16..235, U and V 16..240), to full-range RGB:
//   r = 255/219 (y - 16) + 1.402 * 255/224 (v - 128)
//   g = 255/219 (y - 16) - 0.344136 * 255/224 (u - 128) - 0.714136 * 255/224 (v - 128)
//   b = 255/219 (y - 16) + 1.772 * 255/224 (u - 128)
// with the constants times 2^13, so that they fit 16 bits, and rounding half up. Within one level of the formula.
static void put_yuv(int32_t y, int32_t u, int32_t v, uint8_t *red, uint8_t *green, uint8_t *blue) {
    const int32_t luma = 9539 * (y - 16) + 4096;
    *red = clamp_to_byte((luma + 13075 * (v - 128)) >> 13);
    *green = clamp_to_byte((luma - 3209 * (u - 128) - 6660 * (v - 128)) >> 13);
    *blue = clamp_to_byte((luma + 16525 * (u - 128)) >> 13);
}

static void convert_yuyv(const rb_pixels_frame *frame, int32_t y, int32_t begin, int32_t count, uint8_t *restrict red,
                         uint8_t *restrict green, uint8_t *restrict blue) {
    const uint8_t *restrict pair = row_of(frame, 0, y) + 2 * begin;
    const int32_t even = count & ~1;
    for (int32_t x = 0; x < even; x += 2) {
        put_yuv(pair[2 * x], pair[2 * x + 1], pair[2 * x + 3], red + x, green + x, blue + x);
        put_yuv(pair[2 * x + 2], pair[2 * x + 1], pair[2 * x + 3], red + x + 1, green + x + 1, blue + x + 1);
    }
    if (even < count) {
        pair += 2 * even;
        put_yuv(pair[0], pair[1], pair[3], red + even, green + even, blue + even);
    }
}

static void convert_nv12(const rb_pixels_frame *frame, int32_t y, int32_t begin, int32_t count, uint8_t *restrict red,
                         uint8_t *restrict green, uint8_t *restrict blue) {
    const uint8_t *restrict luma = row_of(frame, 0, y) + begin;
    const uint8_t *restrict chroma = row_of(frame, 1, y / 2) + begin;
    const int32_t even = count & ~1;
    for (int32_t x = 0; x < even; x += 2) {
        put_yuv(luma[x], chroma[x], chroma[x + 1], red + x, green + x, blue + x);
        put_yuv(luma[x + 1], chroma[x], chroma[x + 1], red + x + 1, green + x + 1, blue + x + 1);
    }
    if (even < count) {
        put_yuv(luma[even], chroma[even], chroma[even + 1], red + even, green + even, blue + even);
    }
}

static void convert_rgb24(const rb_pixels_frame *frame, int32_t y, int32_t begin, int32_t count, uint8_t *restrict red,
                          uint8_t *restrict green, uint8_t *restrict blue) {
    const uint8_t *restrict pixel = row_of(frame, 0, y) + 3 * begin;
    for (int32_t x = 0; x < count; x++) {
        red[x] = pixel[3 * x];
        green[x] = pixel[3 * x + 1];
        blue[x] = pixel[3 * x + 2];
    }
}

static void convert_grey(const rb_pixels_frame *frame, int32_t y, int32_t begin, int32_t count, uint8_t *restrict red,
                         uint8_t *restrict green, uint8_t *restrict blue) {
    const uint8_t *restrict pixel = row_of(frame, 0, y) + begin;
    memcpy(red, pixel, (size_t)count);
    memcpy(green, pixel, (size_t)count);
    memcpy(blue, pixel, (size_t)count);
}

#define FOURCC(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static const rb_format formats[RB_PIXELS_FORMAT_COUNT] = {
    [RB_PIXELS_YUYV] = {FOURCC('Y', 'U', 'Y', 'V'), 1, 2, true, convert_yuyv},
    [RB_PIXELS_NV12] = {FOURCC('N', 'V', '1', '2'), 2, 1, true, convert_nv12},
    [RB_PIXELS_RGB24] = {FOURCC('R', 'G', 'B', '3'), 1, 3, false, convert_rgb24},
    [RB_PIXELS_GREY] = {FOURCC('G', 'R', 'E', 'Y'), 1, 1, false, convert_grey},
};

const rb_format *rb_format_get(int32_t format) {
    return format >= 0 && format < RB_PIXELS_FORMAT_COUNT ? &formats[format] : NULL;
}

uint32_t rb_pixels_fourcc(int32_t format) {
    const rb_format *found = rb_format_get(format);
    return found ? found->fourcc : 0;
}

rb_pixels_format rb_pixels_format_of(uint32_t fourcc) {
    int32_t format = 0;
    while (format < RB_PIXELS_FORMAT_COUNT && formats[format].fourcc != fourcc) {
        format++;
    }
    return (rb_pixels_format)format;
}

int32_t rb_pixels_min_stride(int32_t format, int32_t width) {
    const rb_format *found = rb_format_get(format);
    if (!found || !rb_side_in_range(width)) {
        return 0;
    }
    return (found->paired_columns ? (width + 1) & ~1 : width) * found->column_bytes;
}

bool rb_pixels_frame_in(rb_pixels_format format, int32_t width, int32_t height, int32_t stride, const uint8_t *data,
                        size_t bytes, rb_pixels_frame *frame) {
    const int32_t used = rb_pixels_min_stride((int32_t)format, width);
    if (used == 0 || stride < used || !rb_side_in_range(height)) {
        return false;
    }
    // 64 bits: a damaged header can ask for more than 32 bits can count.
    int32_t rows = height;
    uint64_t offset = 0;
    for (int32_t plane = 0; plane < rb_format_get((int32_t)format)->planes; plane++) {
        if (offset + (uint64_t)(rows - 1) * (uint64_t)stride + (uint64_t)used > bytes) {
            return false;
        }
        frame->plane[plane] = data + offset;
        frame->stride[plane] = stride;
        offset += (uint64_t)rows * (uint64_t)stride;
        rows = (height + 1) / 2;
    }
    return true;
}
