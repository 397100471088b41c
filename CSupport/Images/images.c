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

static rb_image_error decode(rb_image_job *job) {
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF};
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    const uint8_t *file = job->file;
    job->message[0] = '\0';
    if (job->file_bytes >= sizeof jpeg && memcmp(file, jpeg, sizeof jpeg) == 0) {
        job->info.kind = RB_IMAGE_JPEG;
        return rb_jpeg_decode(job);
    }
    if (job->file_bytes >= sizeof png && memcmp(file, png, sizeof png) == 0) {
        job->info.kind = RB_IMAGE_PNG;
        return rb_png_decode(job);
    }
    if (job->file_bytes >= 2 && file[0] == 'P' && (file[1] == '5' || file[1] == '6')) {
        job->info.kind = RB_IMAGE_PNM;
        return rb_pnm_decode(job);
    }
    return rb_image_fail(job, RB_IMAGE_UNKNOWN_KIND, "neither a JPEG, a PNG, nor a binary PPM or PGM file");
}

rb_image_error rb_image_probe(const uint8_t *file, size_t file_bytes, rb_image_info *info, char *message) {
    rb_image_job job = {.file = file, .file_bytes = file_bytes, .message = message};
    const rb_image_error error = decode(&job);
    *info = job.info;
    return error;
}

rb_image_error rb_image_decode(const uint8_t *file, size_t file_bytes, uint8_t *rgb, size_t rgb_bytes, char *message) {
    rb_image_job job = {.file = file, .file_bytes = file_bytes, .rgb = rgb, .rgb_bytes = rgb_bytes, .message = message};
    return decode(&job);
}
