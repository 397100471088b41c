// What each pixel format is, and where its planes lie. To add one: a value in rb_pixels_format, a row function, a line
// in the table.
#include "formats.h"

#define FOURCC(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

// clang-format off: a line each
static const rb_format formats[RB_PIXELS_FOREIGN] = {
    // fourcc, planes, each a memory, bytes a column, chroma, rows, kind, chroma in every row
    [RB_PIXELS_YUYV] = {FOURCC('Y', 'U', 'Y', 'V'), 1, false, 2, true, rb_convert_yuyv, RB_ROWS, false},
    [RB_PIXELS_UYVY] = {FOURCC('U', 'Y', 'V', 'Y'), 1, false, 2, true, rb_convert_uyvy, RB_ROWS, false},
    [RB_PIXELS_YVYU] = {FOURCC('Y', 'V', 'Y', 'U'), 1, false, 2, true, rb_convert_yvyu, RB_ROWS, false},
    [RB_PIXELS_VYUY] = {FOURCC('V', 'Y', 'U', 'Y'), 1, false, 2, true, rb_convert_vyuy, RB_ROWS, false},
    [RB_PIXELS_NV16] = {FOURCC('N', 'V', '1', '6'), 2, false, 1, true, rb_convert_nv16, RB_ROWS, true},
    [RB_PIXELS_NV61] = {FOURCC('N', 'V', '6', '1'), 2, false, 1, true, rb_convert_nv61, RB_ROWS, true},
    [RB_PIXELS_NV12] = {FOURCC('N', 'V', '1', '2'), 2, false, 1, true, rb_convert_nv12, RB_ROWS, false},
    [RB_PIXELS_NV21] = {FOURCC('N', 'V', '2', '1'), 2, false, 1, true, rb_convert_nv21, RB_ROWS, false},
    [RB_PIXELS_YUV420] = {FOURCC('Y', 'U', '1', '2'), 3, false, 1, true, rb_convert_yuv420, RB_ROWS, false},
    [RB_PIXELS_YVU420] = {FOURCC('Y', 'V', '1', '2'), 3, false, 1, true, rb_convert_yvu420, RB_ROWS, false},
    [RB_PIXELS_NV12M] = {FOURCC('N', 'M', '1', '2'), 2, true, 1, true, rb_convert_nv12, RB_ROWS, false},
    [RB_PIXELS_NV21M] = {FOURCC('N', 'M', '2', '1'), 2, true, 1, true, rb_convert_nv21, RB_ROWS, false},
    [RB_PIXELS_YUV420M] = {FOURCC('Y', 'M', '1', '2'), 3, true, 1, true, rb_convert_yuv420, RB_ROWS, false},
    [RB_PIXELS_YVU420M] = {FOURCC('Y', 'M', '2', '1'), 3, true, 1, true, rb_convert_yvu420, RB_ROWS, false},
    [RB_PIXELS_RGB24] = {FOURCC('R', 'G', 'B', '3'), 1, false, 3, false, rb_convert_rgb24, RB_ROWS, false},
    [RB_PIXELS_BGR24] = {FOURCC('B', 'G', 'R', '3'), 1, false, 3, false, rb_convert_bgr24, RB_ROWS, false},
    [RB_PIXELS_XBGR32] = {FOURCC('X', 'R', '2', '4'), 1, false, 4, false, rb_convert_bgrx, RB_ROWS, false},
    [RB_PIXELS_ABGR32] = {FOURCC('A', 'R', '2', '4'), 1, false, 4, false, rb_convert_bgrx, RB_ROWS, false},
    [RB_PIXELS_BGR32] = {FOURCC('B', 'G', 'R', '4'), 1, false, 4, false, rb_convert_bgrx, RB_ROWS, false},
    [RB_PIXELS_XRGB32] = {FOURCC('B', 'X', '2', '4'), 1, false, 4, false, rb_convert_xrgb, RB_ROWS, false},
    [RB_PIXELS_ARGB32] = {FOURCC('B', 'A', '2', '4'), 1, false, 4, false, rb_convert_xrgb, RB_ROWS, false},
    [RB_PIXELS_RGB32] = {FOURCC('R', 'G', 'B', '4'), 1, false, 4, false, rb_convert_xrgb, RB_ROWS, false},
    [RB_PIXELS_BGRX32] = {FOURCC('R', 'X', '2', '4'), 1, false, 4, false, rb_convert_xbgr, RB_ROWS, false},
    [RB_PIXELS_BGRA32] = {FOURCC('R', 'A', '2', '4'), 1, false, 4, false, rb_convert_xbgr, RB_ROWS, false},
    [RB_PIXELS_RGBX32] = {FOURCC('X', 'B', '2', '4'), 1, false, 4, false, rb_convert_rgbx, RB_ROWS, false},
    [RB_PIXELS_RGBA32] = {FOURCC('A', 'B', '2', '4'), 1, false, 4, false, rb_convert_rgbx, RB_ROWS, false},
    [RB_PIXELS_RGB565] = {FOURCC('R', 'G', 'B', 'P'), 1, false, 2, false, rb_convert_rgb565, RB_ROWS, false},
    [RB_PIXELS_GREY] = {FOURCC('G', 'R', 'E', 'Y'), 1, false, 1, false, rb_convert_grey, RB_ROWS, false},
    [RB_PIXELS_Y10] = {FOURCC('Y', '1', '0', ' '), 1, false, 2, false, rb_convert_y10, RB_ROWS, false},
    [RB_PIXELS_Y16] = {FOURCC('Y', '1', '6', ' '), 1, false, 2, false, rb_convert_y16, RB_ROWS, false},
    [RB_PIXELS_MJPEG] = {FOURCC('M', 'J', 'P', 'G'), 1, false, 0, false, NULL, RB_COMPRESSED, false},
    [RB_PIXELS_JPEG] = {FOURCC('J', 'P', 'E', 'G'), 1, false, 0, false, NULL, RB_COMPRESSED, false},
};
// clang-format on

// Their fourccs and layouts stand in CSupport/V4LConvert; what it makes of them may have chroma.
static const rb_format foreign = {.planes = 1, .has_chroma = true, .kind = RB_FOREIGN};

const rb_format *rb_format_get(int32_t format) {
    if (format < 0 || format >= RB_PIXELS_FORMAT_COUNT) {
        return NULL;
    }
    return format < RB_PIXELS_FOREIGN ? &formats[format] : &foreign;
}

uint32_t rb_pixels_fourcc(int32_t format) {
    return format >= 0 && format < RB_PIXELS_FOREIGN ? formats[format].fourcc
                                                     : rb_v4l_fourcc(format - RB_PIXELS_FOREIGN);
}

rb_pixels_format rb_pixels_format_of(uint32_t fourcc) {
    int32_t format = 0;
    while (format < RB_PIXELS_FORMAT_COUNT && rb_pixels_fourcc(format) != fourcc) {
        format++;
    }
    return (rb_pixels_format)format;
}

bool rb_pixels_is_compressed(int32_t format) {
    const rb_format *found = rb_format_get(format);
    return found && found->kind == RB_COMPRESSED;
}

static int32_t round_up_to_even(int32_t value) {
    return (value + 1) & ~1;
}

// Bytes that one row of a plane uses; 0 where there is no such row.
static int32_t used_of(int32_t format, int32_t plane, int32_t width) {
    const rb_format *found = rb_format_get(format);
    if (found->kind == RB_FOREIGN) {
        return rb_v4l_row_bytes(rb_pixels_fourcc(format), width);
    }
    const int32_t columns = found->has_chroma ? round_up_to_even(width) : width;
    return plane == 0 ? columns * found->column_bytes : found->planes == 2 ? columns : columns / 2;
}

static int32_t rows_of(int32_t format, int32_t plane, int32_t height) {
    if (rb_format_get(format)->kind == RB_FOREIGN) {
        return rb_v4l_rows(rb_pixels_fourcc(format), height);
    }
    return plane == 0 || rb_format_get(format)->has_all_rows ? height : (height + 1) / 2;
}

int32_t rb_pixels_min_stride(int32_t format, int32_t width) {
    return rb_format_get(format) && rb_side_in_range(width) ? used_of(format, 0, width) : 0;
}

int32_t rb_pixels_memories(int32_t format) {
    const rb_format *found = rb_format_get(format);
    return !found ? 0 : found->is_apart ? found->planes : 1;
}

// Puts a plane at the start of `bytes` bytes of memory, if its rows fit. 64 bits: a damaged header can ask for more
// than 32 bits can count.
static bool put_plane(int32_t format, int32_t plane, int32_t width, int32_t height, int32_t stride, const uint8_t *data,
                      uint64_t bytes, rb_pixels_frame *frame) {
    const int32_t used = used_of(format, plane, width), rows = rows_of(format, plane, height);
    if (used == 0 || rows == 0 || stride < used || (uint64_t)(rows - 1) * (uint64_t)stride + (uint64_t)used > bytes) {
        return false;
    }
    frame->plane[plane] = data;
    frame->stride[plane] = stride;
    return true;
}

bool rb_pixels_frame_in(rb_pixels_format format, int32_t width, int32_t height, int32_t stride, const uint8_t *data,
                        size_t bytes, rb_pixels_frame *frame) {
    const rb_format *found = rb_format_get((int32_t)format);
    if (!found || !rb_side_in_range(width) || !rb_side_in_range(height)) {
        return false;
    }
    if (rb_pixels_is_compressed((int32_t)format)) {
        *frame = (rb_pixels_frame){.plane = {data}, .bytes = bytes};
        return bytes > 0;
    }
    if (stride <= 0) {
        return false;
    }
    uint64_t offset = 0;
    for (int32_t plane = 0; plane < found->planes; plane++) {
        const int32_t own_stride = plane > 0 && found->planes == 3 ? stride / 2 : stride;
        if (offset > bytes) {
            return false;
        }
        // Who asks only how many bytes a frame takes has no memory yet, and nothing may be added to NULL.
        const uint8_t *start = data == NULL ? NULL : data + offset;
        if (!put_plane((int32_t)format, plane, width, height, own_stride, start, bytes - offset, frame)) {
            return false;
        }
        offset += (uint64_t)rows_of((int32_t)format, plane, height) * (uint64_t)own_stride;
    }
    return true;
}

bool rb_pixels_frame_in_memories(rb_pixels_format format, int32_t width, int32_t height,
                                 const rb_pixels_memory *memories, int32_t count, rb_pixels_frame *frame) {
    const rb_format *found = rb_format_get((int32_t)format);
    if (!found || count != rb_pixels_memories((int32_t)format) || !rb_side_in_range(width) ||
        !rb_side_in_range(height)) {
        return false;
    }
    for (int32_t i = 0; i < count; i++) {
        const rb_pixels_memory *memory = &memories[i];
        if (memory->data_offset > memory->bytes_used) {
            return false;
        }
        const uint8_t *data = memory->data + memory->data_offset;
        const size_t bytes = memory->bytes_used - memory->data_offset;
        if (!found->is_apart) {
            return rb_pixels_frame_in(format, width, height, memory->stride, data, bytes, frame);
        }
        if (!put_plane((int32_t)format, i, width, height, memory->stride, data, bytes, frame)) {
            return false;
        }
    }
    return true;
}
