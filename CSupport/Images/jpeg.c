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
    bool lacks_end; // the file ended before its end marker
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

// A picture with missing pixels is damaged, as a camera's frame is. Where only the file's end is missing, libjpeg goes
// on with an end marker of its own: if pixels are missing too, that is another message.
static void on_message(j_common_ptr jpeg, int level) {
    if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) {
        ((jpeg_state *)jpeg->client_data)->lacks_end = true;
    } else if (level < 0 && rb_pixels_jpeg_lost_pixels(jpeg->err->msg_code)) {
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

static bool becomes_cmyk(J_COLOR_SPACE space) {
    return space == JCS_CMYK || space == JCS_YCCK;
}

// Whether a file without an end marker has told all of the picture. A file of one scan has, or a message said that
// pixels are missing, but for arithmetic coding, which reads zeros without a word. Of several scans any may be missing.
static bool is_whole(const struct jpeg_decompress_struct *jpeg) {
    if (jpeg->arith_code || (jpeg->coef_bits == NULL && jpeg_has_multiple_scans((j_decompress_ptr)jpeg))) {
        return false;
    }
    for (int component = 0; jpeg->coef_bits != NULL && component < jpeg->num_components; component++) {
        for (int coefficient = 0; coefficient < DCTSIZE2; coefficient++) {
            if (jpeg->coef_bits[component][coefficient] != 0) {
                return false;
            }
        }
    }
    return true;
}

// value * ink / 255, rounded, as Pillow computes it.
static uint8_t times(int value, int ink) {
    const int product = value * ink + 128;
    return (uint8_t)(((product >> 8) + product) >> 8);
}

// CMYK to RGB as Pillow does it. Adobe's programs, which write nearly all such files, store 255 where there is no ink.
static void convert_cmyk(const JSAMPLE *cmyk, size_t pixels, uint8_t *rgb) {
    for (size_t i = 0; i < pixels; i++, cmyk += 4, rgb += 3) {
        const int light = cmyk[3];
        for (int c = 0; c < 3; c++) {
            rgb[c] = (uint8_t)(light - times(255 - cmyk[c], light));
        }
    }
}

static void read_rows(struct jpeg_decompress_struct *jpeg, uint8_t *rgb) {
    const bool is_cmyk = jpeg->out_color_space == JCS_CMYK;
    const size_t row_bytes = (size_t)jpeg->output_width * 3;
    JSAMPARRAY cmyk = NULL;
    if (is_cmyk) {
        cmyk = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = rgb + jpeg->output_scanline * row_bytes;
        if (is_cmyk) {
            jpeg_read_scanlines(jpeg, cmyk, 1);
            convert_cmyk(cmyk[0], jpeg->output_width, row);
        } else {
            jpeg_read_scanlines(jpeg, &row, 1);
        }
    }
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
    jpeg_mem_src(jpeg, job->file, rb_pixels_jpeg_bytes(job->file, job->file_bytes));
    jpeg_read_header(jpeg, TRUE);
    const rb_image_error error = rb_image_accept_size(job, jpeg->image_width, jpeg->image_height);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    if (!becomes_rgb(jpeg->jpeg_color_space) && !becomes_cmyk(jpeg->jpeg_color_space)) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "the JPEG file is neither grey, RGB nor CMYK");
    }
    if (job->rgb == NULL) {
        return RB_IMAGE_OK;
    }
    jpeg->out_color_space = becomes_cmyk(jpeg->jpeg_color_space) ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    read_rows(jpeg, job->rgb);
    const bool tells_all = is_whole(jpeg);
    jpeg_finish_decompress(jpeg);
    if (state->lacks_end && !tells_all) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the JPEG file ends too early");
    }
    return state->lacks_end ? rb_image_fail(job, RB_IMAGE_OK, "the JPEG file lacks its end marker") : RB_IMAGE_OK;
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
