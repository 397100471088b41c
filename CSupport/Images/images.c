#include "decoder.h"

#include <string.h>

rb_image_error rb_image_fail(rb_image_job *job, rb_image_error error, const char *message) {
    size_t length = 0;
    for (; message[length] != '\0' && length < RB_IMAGE_MESSAGE_BYTES - 1; length++) {
        const char c = message[length];
        job->message[length] = c >= ' ' && c <= '~' ? c : '?';
    }
    job->message[length] = '\0';
    return error;
}

rb_image_error rb_image_accept_size(rb_image_job *job, uint32_t width, uint32_t height) {
    if (width == 0 || height == 0) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the picture has no pixels");
    }
    if (width > RB_IMAGE_MAX_SIDE || height > RB_IMAGE_MAX_SIDE) {
        return rb_image_fail(job, RB_IMAGE_TOO_LARGE, "a side is longer than 16384 pixels");
    }
    job->info.width = (int32_t)width;
    job->info.height = (int32_t)height;
    // At most 3 * 2^28: no overflow where size_t has 32 bits.
    if (job->rgb != NULL && job->rgb_bytes < (size_t)width * height * 3) {
        return rb_image_fail(job, RB_IMAGE_SMALL_BUFFER, "the buffer is smaller than width * height * 3 bytes");
    }
    return RB_IMAGE_OK;
}

typedef struct {
    rb_image_kind kind;
    rb_image_error (*decode)(rb_image_job *job);
    size_t offset, bytes; // of the signature
    uint8_t signature[8];
} format;

static const format formats[] = {
    {RB_IMAGE_JPEG, rb_jpeg_decode, 0, 3, {0xFF, 0xD8, 0xFF}},
    {RB_IMAGE_PNG, rb_png_decode, 0, 8, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}},
    {RB_IMAGE_WEBP, rb_webp_decode, 8, 4, {'W', 'E', 'B', 'P'}},
    {RB_IMAGE_GIF, rb_gif_decode, 0, 4, {'G', 'I', 'F', '8'}},
    {RB_IMAGE_BMP, rb_bmp_decode, 0, 2, {'B', 'M'}},
    {RB_IMAGE_PNM, rb_pnm_decode, 0, 2, {'P', '5'}},
    {RB_IMAGE_PNM, rb_pnm_decode, 0, 2, {'P', '6'}},
};

static const format *format_of(const rb_image_job *job) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const format *known = &formats[i];
        if (job->file_bytes >= known->offset + known->bytes &&
            memcmp(job->file + known->offset, known->signature, known->bytes) == 0) {
            return known;
        }
    }
    return NULL;
}

static rb_image_error decode(rb_image_job *job, bool ignores_exif) {
    job->message[0] = '\0';
    const format *known = format_of(job);
    if (known == NULL) {
        return rb_image_fail(job, RB_IMAGE_UNKNOWN_KIND, rb_image_foreign_kind(job->file, job->file_bytes));
    }
    job->info.kind = known->kind;
    const rb_image_error error = known->decode(job);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    job->info.orientation = ignores_exif ? 1 : rb_exif_orientation(job);
    return rb_image_turn_upright(job);
}

rb_image_error rb_image_probe(const uint8_t *file, size_t file_bytes, bool ignores_exif, rb_image_info *info,
                              char *message) {
    rb_image_job job = {.file = file, .file_bytes = file_bytes, .message = message};
    const rb_image_error error = decode(&job, ignores_exif);
    *info = job.info;
    return error;
}

rb_image_error rb_image_decode(const uint8_t *file, size_t file_bytes, bool ignores_exif, uint8_t *rgb,
                               size_t rgb_bytes, char *message) {
    rb_image_job job = {.file = file, .file_bytes = file_bytes, .rgb = rgb, .rgb_bytes = rgb_bytes, .message = message};
    return decode(&job, ignores_exif);
}
