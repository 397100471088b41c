// JPEG frames to rows of RGB24, in memory that the caller gives.
#pragma once
#include "include/pixels.h"

typedef struct rb_mjpeg rb_mjpeg;

// Takes row y of the picture: RGB24, from the first of the prepared columns on.
typedef void rb_mjpeg_take_row(void *context, int32_t y, const uint8_t *rgb);

// All that decoding pictures of a width takes, in bytes.
size_t rb_mjpeg_bytes(int32_t width);
// Prepares rb_mjpeg_bytes(width) bytes, 64-byte aligned, for pictures of a size, of which `columns` columns are taken.
void rb_mjpeg_prepare(rb_mjpeg *jpeg, int32_t width, int32_t height, int32_t first_column, int32_t columns);
// Decodes a picture and has its rows taken from the top. False where it is damaged, lacks more than its end marker, or
// is of another size, or of a kind that takes more memory than some rows: progressive, or in several scans. Rows taken
// until then mean nothing.
bool rb_mjpeg_decode(rb_mjpeg *jpeg, const uint8_t *bytes, size_t count, rb_mjpeg_take_row *take_row, void *context);
// Of the picture decoded last, or refused.
rb_pixels_jpeg_header rb_mjpeg_header(const rb_mjpeg *jpeg);

// The memory that libjpeg takes for a frame.
typedef struct {
    uint8_t *bytes;
    size_t count, used;
} rb_mjpeg_memory;

// The memory for a decompressor of rb_mjpeg_decode; NULL for any other one.
struct jpeg_common_struct;
rb_mjpeg_memory *rb_mjpeg_memory_of(struct jpeg_common_struct *jpeg);
