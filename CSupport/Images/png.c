#include "decoder.h"

#include <png.h>
#include <stdbool.h>
#include <string.h>

// The state outlives longjmp because it belongs to the caller of the function that calls setjmp.
typedef struct {
    rb_image_job *job;
    png_structp png;
    png_infop info;
    size_t position; // in job->file
} png_state;

static void on_error(png_structp png, png_const_charp message) {
    png_state *state = png_get_error_ptr(png);
    rb_image_fail(state->job, RB_IMAGE_DAMAGED, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message; // about chunks that no pixel depends on
}

// Grey of 16 bits comes as it is stored, to be looked at as a whole.
static bool is_wide_grey(const png_state *state) {
    return png_get_bit_depth(state->png, state->info) == 16 &&
           png_get_color_type(state->png, state->info) == PNG_COLOR_TYPE_GRAY;
}

static void on_read(png_structp png, png_bytep data, size_t bytes) {
    png_state *state = png_get_io_ptr(png);
    if (bytes > state->job->file_bytes - state->position) {
        png_error(png, "the PNG file ends too early");
    }
    memcpy(data, state->job->file + state->position, bytes);
    state->position += bytes;
}

// Every kind of PNG to 8-bit RGB.
static void request_rgb(png_structp png) {
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
}

// Two bytes a pixel, the high one first, at the beginning of each row of the buffer, become three. Where no value needs
// the high byte, 8 bits were stored in a file of 16, and the high bytes would be a black picture.
static void convert_wide_grey(rb_image_job *job) {
    const size_t width = (size_t)job->info.width, height = (size_t)job->info.height;
    size_t used_byte = 1;
    for (size_t y = 0; y < height && used_byte == 1; y++) {
        for (size_t x = 0; x < width && used_byte == 1; x++) {
            used_byte = job->rgb[3 * y * width + 2 * x] == 0;
        }
    }
    for (size_t y = 0; y < height; y++) {
        uint8_t *row = job->rgb + 3 * y * width;
        // From the right: three bytes take more room than two.
        for (size_t x = width; x-- > 0;) {
            memset(row + 3 * x, row[2 * x + used_byte], 3);
        }
    }
    if (used_byte == 1) {
        rb_image_fail(job, RB_IMAGE_OK, "the PNG file has 16 bits a pixel and uses 8 of them, which are taken");
    }
}

// Behind the last pixel: what is damaged or missing there changes none.
static void read_end(png_state *state) {
    if (setjmp(png_jmpbuf(state->png))) {
        rb_image_fail(state->job, RB_IMAGE_OK, "the PNG file is damaged or cut behind its last pixel");
        return;
    }
    png_read_end(state->png, NULL);
}

static rb_image_error read_png(png_state *state) {
    png_structp png = state->png;
    rb_image_job *job = state->job;
    if (setjmp(png_jmpbuf(png))) {
        return RB_IMAGE_DAMAGED;
    }
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); // rb_image_accept_size has the one limit
    png_set_read_fn(png, state, on_read);
    png_read_info(png, state->info);
    const uint32_t width = png_get_image_width(png, state->info);
    const uint32_t height = png_get_image_height(png, state->info);
    const rb_image_error error = rb_image_accept_size(job, width, height);
    if (error != RB_IMAGE_OK || job->rgb == NULL) {
        return error;
    }
    const bool wide_grey = is_wide_grey(state);
    if (!wide_grey) {
        request_rgb(png);
    }
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, state->info);
    if (png_get_rowbytes(png, state->info) != (size_t)width * (wide_grey ? 2 : 3)) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "the PNG file cannot be read as 8-bit RGB");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < height; y++) {
            png_read_row(png, job->rgb + (size_t)y * width * 3, NULL);
        }
    }
    if (wide_grey) {
        convert_wide_grey(job);
    }
    read_end(state);
    return RB_IMAGE_OK;
}

rb_image_error rb_png_decode(rb_image_job *job) {
    png_state state = {.job = job};
    state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
    if (state.png == NULL) {
        return rb_image_fail(job, RB_IMAGE_OUT_OF_MEMORY, "no memory to read the PNG file");
    }
    state.info = png_create_info_struct(state.png);
    const rb_image_error error = state.info == NULL
                                     ? rb_image_fail(job, RB_IMAGE_OUT_OF_MEMORY, "no memory to read the PNG file")
                                     : read_png(&state);
    png_destroy_read_struct(&state.png, &state.info, NULL);
    return error;
}
