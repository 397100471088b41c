// What the decoders share. Each fills job->info, lets rb_image_accept_size judge it, and goes on to the pixels
// only where job->rgb is not NULL.
#pragma once
#include "include/images.h"

typedef struct {
    const uint8_t *file;
    size_t file_bytes;
    rb_image_info info; // sizes as they are stored, until rb_image_turn_upright
    uint8_t *rgb;       // NULL: the header only
    size_t rgb_bytes;
    char *message; // RB_IMAGE_MESSAGE_BYTES
} rb_image_job;

rb_image_error rb_jpeg_decode(rb_image_job *job);
rb_image_error rb_png_decode(rb_image_job *job);
rb_image_error rb_pnm_decode(rb_image_job *job);
rb_image_error rb_webp_decode(rb_image_job *job);
rb_image_error rb_bmp_decode(rb_image_job *job);
rb_image_error rb_gif_decode(rb_image_job *job);

// Stores the size and says whether decoding may go on, before any memory is taken for pixels.
rb_image_error rb_image_accept_size(rb_image_job *job, uint32_t width, uint32_t height);
// Stores the message, cut where it is too long and without control characters, and returns the error.
rb_image_error rb_image_fail(rb_image_job *job, rb_image_error error, const char *message);

// The orientation that the EXIF block of a JPEG, PNG or WebP file states, 1..8; 1 where it states none.
int32_t rb_exif_orientation(const rb_image_job *job);
// Turns the decoded pixels, and the size, as the orientation says.
rb_image_error rb_image_turn_upright(rb_image_job *job);
// What a file of no kind read here is, as far as its content shows: for a message.
const char *rb_image_foreign_kind(const uint8_t *file, size_t file_bytes);
