#include "decoder.h"

#include <png.h>
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
    request_rgb(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, state->info);
    if (png_get_rowbytes(png, state->info) != (size_t)width * 3) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "the PNG file cannot be read as 8-bit RGB");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < height; y++) {
            png_read_row(png, job->rgb + (size_t)y * width * 3, NULL);
        }
    }
    png_read_end(png, NULL);
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
