#include "decoder.h"

#include <string.h>

// The header's text is separated by white space and by comments, which begin with # and end with the line.
static size_t skip_separators(const rb_image_job *job, size_t at) {
    for (; at < job->file_bytes; at++) {
        const uint8_t c = job->file[at];
        if (c == '#') {
            while (at < job->file_bytes && job->file[at] != '\n' && job->file[at] != '\r') {
                at++;
            }
        } else if (c != ' ' && (c < '\t' || c > '\r')) {
            break;
        }
    }
    return at < job->file_bytes ? at : job->file_bytes;
}

// Reads a number after separators and moves *at behind it; -1 where there is none. Large ones stop growing.
static int32_t read_number(const rb_image_job *job, size_t *at) {
    const size_t start = skip_separators(job, *at);
    int32_t number = 0;
    for (*at = start; *at < job->file_bytes && job->file[*at] >= '0' && job->file[*at] <= '9'; ++*at) {
        number = number > RB_IMAGE_MAX_SIDE * 2 ? number : number * 10 + (job->file[*at] - '0');
    }
    return *at > start ? number : -1;
}

rb_image_error rb_pnm_decode(rb_image_job *job) {
    size_t at = 2; // behind P5 or P6
    const int32_t width = read_number(job, &at);
    const int32_t height = read_number(job, &at);
    const int32_t max_value = read_number(job, &at);
    if (width < 0 || height < 0 || max_value < 0 || at >= job->file_bytes) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the PNM header is incomplete");
    }
    const rb_image_error error = rb_image_accept_size(job, (uint32_t)width, (uint32_t)height);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    if (max_value != 255) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "the PNM file's maximum value is not 255");
    }
    // One white-space byte, then the samples.
    const uint8_t *samples = job->file + at + 1;
    const size_t pixels = (size_t)width * (size_t)height;
    const size_t channels = job->file[1] == '6' ? 3 : 1;
    if (job->file_bytes - at - 1 < pixels * channels) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the PNM file ends before its last pixel");
    }
    if (job->rgb == NULL) {
        return RB_IMAGE_OK;
    }
    if (channels == 3) {
        memcpy(job->rgb, samples, pixels * 3);
    } else {
        for (size_t i = 0; i < pixels; i++) {
            memset(job->rgb + i * 3, samples[i], 3);
        }
    }
    return RB_IMAGE_OK;
}
