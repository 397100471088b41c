// Pictures for people to look at: what a model's input is made of, as a JPEG file, in memory that the caller gives.
#include "encode.h"
#include "include/pixels.h"
#include <stdio.h> // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>
#include <string.h>

enum { ALIGNMENT = 64 };

typedef struct {
    struct jpeg_compress_struct compress;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr target;
    jmp_buf on_error;
    rb_mjpeg_memory memory;
} encoder;

static size_t round_up(size_t value) {
    return (value + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

// Rows of samples, in whole blocks and at half size, and of coefficients; then tables and structures.
static size_t library_bytes(int32_t width) {
    return round_up(160 * ((size_t)width + 128) + (128 << 10));
}

size_t rb_pixels_encoder_bytes(int32_t width) {
    return round_up(sizeof(encoder)) + library_bytes(width);
}

static _Noreturn void on_error(j_common_ptr jpeg) {
    longjmp(((encoder *)jpeg)->on_error, 1);
}

static void say_nothing(j_common_ptr jpeg, int level) {
    (void)jpeg, (void)level;
}

rb_mjpeg_memory *rb_encoder_memory_of(j_common_ptr jpeg) {
    return jpeg->err->error_exit == on_error ? &((encoder *)jpeg)->memory : NULL;
}

static void begin_target(j_compress_ptr jpeg) {
    (void)jpeg;
}

// The file has no more room.
static boolean end_room(j_compress_ptr jpeg) {
    on_error((j_common_ptr)jpeg);
}

size_t rb_pixels_encode_jpeg(const uint8_t *pixels, int32_t width, int32_t height, int32_t quality, void *workspace,
                             uint8_t *jpeg, size_t capacity) {
    encoder *state = workspace;
    memset(state, 0, sizeof *state);
    state->memory = (rb_mjpeg_memory){(uint8_t *)workspace + round_up(sizeof *state), library_bytes(width), 0};
    struct jpeg_compress_struct *compress = &state->compress;
    compress->err = jpeg_std_error(&state->errors);
    state->errors.error_exit = on_error;
    state->errors.emit_message = say_nothing;
    if (setjmp(state->on_error)) {
        return 0;
    }
    jpeg_create_compress(compress);
    state->target = (struct jpeg_destination_mgr){.next_output_byte = jpeg,
                                                  .free_in_buffer = capacity,
                                                  .init_destination = begin_target,
                                                  .empty_output_buffer = end_room,
                                                  .term_destination = begin_target};
    compress->dest = &state->target;
    compress->image_width = (JDIMENSION)width;
    compress->image_height = (JDIMENSION)height;
    compress->input_components = RB_PIXELS_OUTPUT_STRIDE;
    compress->in_color_space = JCS_EXT_RGBX;
    jpeg_set_defaults(compress);
    jpeg_set_quality(compress, quality, TRUE);
    compress->dct_method = JDCT_IFAST;
    jpeg_start_compress(compress, TRUE);
    while (compress->next_scanline < compress->image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)compress->next_scanline * (size_t)width * RB_PIXELS_OUTPUT_STRIDE);
        jpeg_write_scanlines(compress, &row, 1);
    }
    jpeg_finish_compress(compress);
    return capacity - state->target.free_in_buffer;
}
