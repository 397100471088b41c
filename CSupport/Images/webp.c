#include "decoder.h"

#include <webp/decode.h>

rb_image_error rb_webp_decode(rb_image_job *job) {
    WebPBitstreamFeatures features;
    switch (WebPGetFeatures(job->file, job->file_bytes, &features)) {
    case VP8_STATUS_OK:
        break;
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the WebP file ends too early");
    default:
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the WebP file's header is damaged");
    }
    const rb_image_error error = rb_image_accept_size(job, (uint32_t)features.width, (uint32_t)features.height);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    if (features.has_animation) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "an animated WebP file, which is not read");
    }
    if (job->rgb == NULL) {
        return RB_IMAGE_OK;
    }
    const size_t row_bytes = (size_t)features.width * 3;
    if (WebPDecodeRGBInto(job->file, job->file_bytes, job->rgb, row_bytes * (size_t)features.height, (int)row_bytes) ==
        NULL) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the WebP file is damaged or ends too early");
    }
    return RB_IMAGE_OK;
}
