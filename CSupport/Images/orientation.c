// The EXIF orientation: finding it, and turning pixels by it.
#include "decoder.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const uint8_t *bytes;
    size_t count;
} block;

static uint32_t big32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t little32(const uint8_t *bytes) {
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static block without_exif_prefix(block found) {
    const size_t prefix = 6; // "Exif", two zeros: before the block in JPEG files always, in WebP files sometimes
    if (found.count >= prefix && memcmp(found.bytes, "Exif\0\0", prefix) == 0) {
        return (block){found.bytes + prefix, found.count - prefix};
    }
    return found;
}

static block block_in_jpeg(block file) {
    for (size_t at = 2; at + 4 <= file.count;) {
        if (file.bytes[at] != 0xFF) {
            break;
        }
        const uint8_t marker = file.bytes[at + 1];
        if (marker == 0xFF) { // a fill byte
            at++;
            continue;
        }
        const size_t length = (size_t)file.bytes[at + 2] << 8 | file.bytes[at + 3];
        const bool ends_header = marker == 0xDA || marker == 0xD9;
        if (ends_header || length < 2 || length > file.count - at - 2) {
            break;
        }
        const block found = {file.bytes + at + 4, length - 2};
        if (marker == 0xE1 && found.count >= 6 && memcmp(found.bytes, "Exif\0\0", 6) == 0) {
            return without_exif_prefix(found);
        }
        at += 2 + length;
    }
    return (block){0};
}

static block block_in_png(block file) {
    for (size_t at = 8; at + 12 <= file.count;) {
        const size_t length = big32(file.bytes + at);
        if (length > file.count - at - 12) {
            break;
        }
        if (memcmp(file.bytes + at + 4, "eXIf", 4) == 0) {
            return (block){file.bytes + at + 8, length};
        }
        at += length + 12;
    }
    return (block){0};
}

static block block_in_webp(block file) {
    for (size_t at = 12; at + 8 <= file.count;) {
        const size_t length = little32(file.bytes + at + 4);
        if (length > file.count - at - 8) {
            break;
        }
        if (memcmp(file.bytes + at, "EXIF", 4) == 0) {
            return without_exif_prefix((block){file.bytes + at + 8, length});
        }
        at += 8 + length + length % 2;
    }
    return (block){0};
}

// Tag 0x0112 of the first directory of a TIFF structure.
static int32_t orientation_in(block exif) {
    if (exif.count < 8 || (memcmp(exif.bytes, "II*\0", 4) != 0 && memcmp(exif.bytes, "MM\0*", 4) != 0)) {
        return 1;
    }
    const bool is_big = exif.bytes[0] == 'M';
    const size_t directory = is_big ? big32(exif.bytes + 4) : little32(exif.bytes + 4);
    if (directory > exif.count - 2 || exif.count < 2) {
        return 1;
    }
    const uint8_t *entry = exif.bytes + directory;
    const size_t entries = is_big ? (size_t)entry[0] << 8 | entry[1] : (size_t)entry[1] << 8 | entry[0];
    entry += 2;
    for (size_t i = 0; i < entries && (size_t)(exif.bytes + exif.count - entry) >= 12; i++, entry += 12) {
        const uint32_t tag = is_big ? (uint32_t)entry[0] << 8 | entry[1] : (uint32_t)entry[1] << 8 | entry[0];
        if (tag == 0x0112) {
            const int32_t value = is_big ? entry[8] << 8 | entry[9] : entry[9] << 8 | entry[8];
            return value >= 1 && value <= 8 ? value : 1;
        }
    }
    return 1;
}

int32_t rb_exif_orientation(const rb_image_job *job) {
    const block file = {job->file, job->file_bytes};
    switch (job->info.kind) {
    case RB_IMAGE_JPEG:
        return orientation_in(block_in_jpeg(file));
    case RB_IMAGE_PNG:
        return orientation_in(block_in_png(file));
    case RB_IMAGE_WEBP:
        return orientation_in(block_in_webp(file));
    case RB_IMAGE_PNM:
    case RB_IMAGE_BMP:
    case RB_IMAGE_GIF:
        return 1;
    }
    return 1;
}

rb_image_error rb_image_turn_upright(rb_image_job *job) {
    const int32_t orientation = job->info.orientation;
    const size_t width = (size_t)job->info.width, height = (size_t)job->info.height;
    if (orientation == 1) {
        return RB_IMAGE_OK;
    }
    // What EXIF calls the stored picture's first row and column: from 5 on rows are columns.
    const bool is_on_its_side = orientation >= 5;
    const bool is_mirrored_across = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool is_mirrored_down = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const size_t upright_width = is_on_its_side ? height : width, upright_height = is_on_its_side ? width : height;
    job->info.width = (int32_t)upright_width;
    job->info.height = (int32_t)upright_height;
    if (job->rgb == NULL) {
        return RB_IMAGE_OK;
    }
    uint8_t *stored = malloc(width * height * 3);
    if (stored == NULL) {
        return rb_image_fail(job, RB_IMAGE_OUT_OF_MEMORY, "no memory to turn the picture upright");
    }
    memcpy(stored, job->rgb, width * height * 3);
    uint8_t *target = job->rgb;
    for (size_t y = 0; y < upright_height; y++) {
        for (size_t x = 0; x < upright_width; x++, target += 3) {
            size_t column = is_on_its_side ? y : x, row = is_on_its_side ? x : y;
            column = is_mirrored_across ? width - 1 - column : column;
            row = is_mirrored_down ? height - 1 - row : row;
            memcpy(target, stored + (row * width + column) * 3, 3);
        }
    }
    free(stored);
    return RB_IMAGE_OK;
}
