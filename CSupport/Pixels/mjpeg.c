// JPEG frames with libjpeg-turbo.
//
// Every frame is decoded by a decompressor of its own, so that nothing of an earlier frame, not even a table, can show
// in it. Tables that a frame does not bring (webcams leave out the usual Huffman tables) are the standard's: libjpeg's
// doing.
#include "mjpeg.h"
#include <stdio.h> // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>
#include <string.h>

enum {
    ALIGNMENT = 64,
    MARGIN = 4 // columns at each side on which the smoothing of chroma across pairs can depend
};

// The state outlives longjmp because it is the caller's memory.
struct rb_mjpeg {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr errors;
    jmp_buf on_error;
    int32_t width, height, first_column, columns;
    rb_pixels_jpeg_header header; // of the picture decoded last
    uint8_t *row;                 // one decoded row: RGB24 of at most `width` pixels, rounded up to whole blocks
    rb_mjpeg_memory memory;
};

static size_t round_up(size_t value) {
    return (value + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t row_bytes(int32_t width) {
    return round_up(3 * (size_t)width);
}

// The most that libjpeg takes for a picture of one scan, whatever its sampling. Rows of decoded blocks: a scan has at
// most ten blocks in a unit, and each of them ten rows of samples (eight, and two of context) as wide as the picture.
// Rows of chroma that is brought to full size: at most three channels of four rows. Then tables and structures.
static size_t library_bytes(int32_t width) {
    const size_t padded = (size_t)width + 128; // blocks and vectors at the end of a row
    return round_up((10 * 10 + 3 * 4) * padded + (128 << 10));
}

size_t rb_mjpeg_bytes(int32_t width) {
    return round_up(sizeof(rb_mjpeg)) + row_bytes(width) + library_bytes(width);
}

void rb_mjpeg_prepare(rb_mjpeg *jpeg, int32_t width, int32_t height, int32_t first_column, int32_t columns) {
    memset(jpeg, 0, sizeof *jpeg);
    jpeg->width = width;
    jpeg->height = height;
    jpeg->first_column = first_column;
    jpeg->columns = columns;
    jpeg->row = (uint8_t *)jpeg + round_up(sizeof *jpeg);
    jpeg->memory = (rb_mjpeg_memory){jpeg->row + row_bytes(width), library_bytes(width), 0};
}

static _Noreturn void on_error(j_common_ptr decompress) {
    longjmp(((rb_mjpeg *)decompress)->on_error, 1);
}

bool rb_pixels_jpeg_lost_pixels(int message_code) {
    // JWRN_JPEG_EOF is none of them: where pixels are missing too, JWRN_HIT_MARKER follows.
    switch (message_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        return true;
    default:
        return false; // such as bytes between segments, which lose nothing
    }
}

size_t rb_pixels_jpeg_bytes(const uint8_t *bytes, size_t count) {
    size_t end = count;
    while (end > 0 && bytes[end - 1] == 0) {
        end--;
    }
    // The zero behind 0xFF is a part of the picture.
    return end > 0 && end < count && bytes[end - 1] == 0xFF ? end + 1 : end;
}

// A frame with missing pixels is no frame.
static void on_message(j_common_ptr decompress, int level) {
    if (level < 0 && decompress->err->msg_code == JWRN_JPEG_EOF) {
        ((rb_mjpeg *)decompress)->header.lacks_end = true;
    }
    if (level < 0 && rb_pixels_jpeg_lost_pixels(decompress->err->msg_code)) {
        on_error(decompress);
    }
}

static void say_nothing(j_common_ptr decompress) {
    (void)decompress;
}

static void clear_message(j_common_ptr decompress) {
    decompress->err->num_warnings = 0;
    decompress->err->msg_code = 0;
}

static bool becomes_rgb(J_COLOR_SPACE space) {
    return space == JCS_GRAYSCALE || space == JCS_YCbCr || space == JCS_RGB;
}

// Takes note of what the header says; whether it is that of a frame that can be decoded here.
static bool accept_header(rb_mjpeg *jpeg) {
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    if (!becomes_rgb(decompress->jpeg_color_space) || jpeg_has_multiple_scans(decompress)) {
        return false;
    }
    jpeg->header.width = (int32_t)decompress->image_width;
    jpeg->header.height = (int32_t)decompress->image_height;
    return jpeg->header.width == jpeg->width && jpeg->header.height == jpeg->height;
}

// Arithmetic coding reads zeros behind the end without a word: only the end marker tells that nothing is missing.
static bool is_whole(const rb_mjpeg *jpeg) {
    return !jpeg->header.lacks_end || !jpeg->decompress.arith_code;
}

// Begins to decode the columns that are taken; returns where they will stand in each row. The settings are those of
// CSupport/Images: a frame gives the bits of the same file classified.
static const uint8_t *start(rb_mjpeg *jpeg) {
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    decompress->out_color_space = JCS_RGB;
    decompress->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(decompress);
    const int32_t left = jpeg->first_column < MARGIN ? 0 : jpeg->first_column - MARGIN;
    const int32_t end = jpeg->first_column + jpeg->columns + MARGIN;
    // libjpeg moves the left edge to the beginning of a block, and keeps the right one.
    JDIMENSION from = (JDIMENSION)left, columns = (JDIMENSION)((end < jpeg->width ? end : jpeg->width) - left);
    jpeg_crop_scanline(decompress, &from, &columns);
    return jpeg->row + 3 * ((JDIMENSION)jpeg->first_column - from);
}

bool rb_mjpeg_decode(rb_mjpeg *jpeg, const uint8_t *bytes, size_t count, rb_mjpeg_take_row *take_row, void *context) {
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    jpeg->memory.used = 0;
    jpeg->header = (rb_pixels_jpeg_header){0};
    // Not libjpeg's own: that one writes to standard error and ends the program.
    jpeg->errors = (struct jpeg_error_mgr){.error_exit = on_error,
                                           .emit_message = on_message,
                                           .output_message = say_nothing,
                                           .reset_error_mgr = clear_message};
    decompress->err = &jpeg->errors;
    if (setjmp(jpeg->on_error)) {
        return false;
    }
    jpeg_create_decompress(decompress);
    jpeg_mem_src(decompress, bytes, rb_pixels_jpeg_bytes(bytes, count));
    jpeg_read_header(decompress, TRUE);
    if (!accept_header(jpeg)) {
        return false;
    }
    const uint8_t *first = start(jpeg);
    while (decompress->output_scanline < decompress->output_height) {
        const int32_t y = (int32_t)decompress->output_scanline;
        JSAMPROW row = jpeg->row;
        jpeg_read_scanlines(decompress, &row, 1);
        take_row(context, y, first);
    }
    jpeg_finish_decompress(decompress);
    return is_whole(jpeg);
}

rb_pixels_jpeg_header rb_mjpeg_header(const rb_mjpeg *jpeg) {
    return jpeg->header;
}

rb_mjpeg_memory *rb_mjpeg_memory_of(j_common_ptr decompress) {
    return decompress->err->error_exit == on_error ? &((rb_mjpeg *)decompress)->memory : NULL;
}
