#include "decoder.h"
#include "pixels.h"

#include <stdio.h> // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>
#include <stdbool.h>

// A progressive file may revisit every pixel in each of its scans: without a limit a small file could keep a reader
// busy for hours. Encoders write about ten.
static const int max_scans = 100;

// libjpeg keeps the coefficients of a progressive picture: 3 to 6 bytes a pixel. Beyond this the file is refused.
static const long max_memory = 256L << 20;

// The state outlives longjmp because it belongs to the caller of the function that calls setjmp.
typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf on_error;
    rb_image_error error;
    rb_image_job *job;
} jpeg_state;

static _Noreturn void give_up(jpeg_state *state, rb_image_error error, const char *message) {
    state->error = rb_image_fail(state->job, error, message);
    longjmp(state->on_error, 1);
}

static _Noreturn void on_error(j_common_ptr jpeg) {
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    switch (jpeg->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        give_up(jpeg->client_data, RB_IMAGE_OUT_OF_MEMORY, "the JPEG file needs too much memory");
    case JERR_IMAGE_TOO_BIG: // libjpeg's own limit is 65500 pixels a side
        give_up(jpeg->client_data, RB_IMAGE_TOO_LARGE, message);
    default:
        give_up(jpeg->client_data, RB_IMAGE_DAMAGED, message);
    }
}

// A picture with missing pixels is damaged, as a camera's frame is.
static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0 && rb_pixels_jpeg_lost_pixels(jpeg->err->msg_code)) {
        on_error(jpeg);
    }
}

static void on_progress(j_common_ptr jpeg) {
    if (((j_decompress_ptr)jpeg)->input_scan_number > max_scans) {
        give_up(jpeg->client_data, RB_IMAGE_DAMAGED, "the JPEG file has more than 100 scans");
    }
}

static bool becomes_rgb(J_COLOR_SPACE space) {
    return space == JCS_GRAYSCALE || space == JCS_YCbCr || space == JCS_RGB;
}

static rb_image_error read_jpeg(jpeg_state *state) {
    struct jpeg_decompress_struct *jpeg = &state->jpeg;
    rb_image_job *job = state->job;
    if (setjmp(state->on_error)) {
        return state->error;
    }
    jpeg_create_decompress(jpeg);
    jpeg->progress = &state->progress;
    jpeg->mem->max_memory_to_use = max_memory;
    jpeg_mem_src(jpeg, job->file, job->file_bytes);
    jpeg_read_header(jpeg, TRUE);
    const rb_image_error error = rb_image_accept_size(job, jpeg->image_width, jpeg->image_height);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    if (!becomes_rgb(jpeg->jpeg_color_space)) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "the JPEG file is neither grey nor RGB, but perhaps CMYK");
    }
    if (job->rgb == NULL) {
        return RB_IMAGE_OK;
    }
    jpeg->out_color_space = JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = job->rgb + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    return RB_IMAGE_OK;
}

rb_image_error rb_jpeg_decode(rb_image_job *job) {
    jpeg_state state = {.job = job, .progress = {.progress_monitor = on_progress}};
    state.jpeg.err = jpeg_std_error(&state.errors);
    state.jpeg.client_data = &state;
    state.errors.error_exit = on_error;
    state.errors.emit_message = on_message;
    const rb_image_error error = read_jpeg(&state);
    jpeg_destroy_decompress(&state.jpeg);
    return error;
}
