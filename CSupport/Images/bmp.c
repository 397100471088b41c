// BMP without compression: 1, 4 and 8 bits a pixel with a palette, 16, 24 and 32 bits.
#include "decoder.h"

#include <string.h>

typedef struct {
    uint32_t mask;
    int shift, bits;
} field;

typedef struct {
    uint32_t width, height, depth;
    bool is_top_down;
    size_t pixels_at, row_bytes;
    const uint8_t *palette; // entries of palette_step bytes B G R
    size_t palette_step, colours;
    field fields[3]; // red, green, blue, of 16 and 32 bits
} bmp_header;

static uint32_t little(const uint8_t *bytes, int count) {
    uint32_t value = 0;
    for (int i = count - 1; i >= 0; i--) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static bool set_field(field *f, uint32_t mask) {
    *f = (field){.mask = mask};
    if (mask == 0) {
        return true;
    }
    while ((mask >> f->shift & 1) == 0) {
        f->shift++;
    }
    while (f->shift + f->bits < 32 && (mask >> f->shift >> f->bits & 1) != 0) {
        f->bits++;
    }
    return (f->mask >> f->shift) == (f->bits == 32 ? UINT32_MAX : (UINT32_C(1) << f->bits) - 1);
}

// The part of a pixel's bits that is one colour, on the scale of 0 to 255.
static uint8_t part(uint32_t pixel, const field *f) {
    if (f->bits == 0) {
        return 0;
    }
    const uint64_t value = (pixel & f->mask) >> f->shift, most = (UINT64_C(1) << f->bits) - 1;
    return (uint8_t)((value * 255 + most / 2) / most);
}

// The masks of the colours: the usual ones, or those that the header states.
static bool set_fields(const rb_image_job *job, uint32_t compression, bmp_header *header) {
    uint32_t masks[3] = {0xFF0000, 0xFF00, 0xFF};
    if (header->depth == 16) {
        masks[0] = 0x7C00;
        masks[1] = 0x3E0;
        masks[2] = 0x1F;
    }
    const bool states_masks = compression == 3 || compression == 6;
    if (states_masks && job->file_bytes < 66) {
        return false;
    }
    for (int c = 0; c < 3; c++) {
        const uint32_t mask = states_masks ? little(job->file + 54 + 4 * c, 4) : masks[c];
        if (!set_field(&header->fields[c], mask)) {
            return false;
        }
    }
    return true;
}

static rb_image_error read_header(rb_image_job *job, bmp_header *header) {
    const uint8_t *file = job->file;
    const char *damaged = "the BMP file's header is damaged or ends too early";
    if (job->file_bytes < 26) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, damaged);
    }
    const size_t header_bytes = little(file + 14, 4);
    const bool is_core = header_bytes == 12;
    if ((!is_core && header_bytes < 40) || header_bytes > job->file_bytes - 14) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, damaged);
    }
    header->pixels_at = little(file + 10, 4);
    header->width = is_core ? little(file + 18, 2) : little(file + 18, 4);
    header->height = is_core ? little(file + 20, 2) : little(file + 22, 4);
    header->is_top_down = !is_core && header->height > INT32_MAX;
    header->height = header->is_top_down ? -header->height : header->height;
    header->depth = is_core ? little(file + 24, 2) : little(file + 28, 2);
    const rb_image_error error = rb_image_accept_size(job, header->width, header->height);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    const uint32_t compression = is_core ? 0 : little(file + 30, 4);
    if (compression != 0 && compression != 3 && compression != 6) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "a compressed BMP file, which is not read; convert it to PNG");
    }
    if (!set_fields(job, compression, header)) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, damaged);
    }
    header->palette = file + 14 + header_bytes;
    header->palette_step = is_core ? 3 : 4;
    header->colours = (job->file_bytes - 14 - header_bytes) / header->palette_step;
    header->row_bytes = ((size_t)header->width * header->depth + 31) / 32 * 4;
    return RB_IMAGE_OK;
}

static bool convert_pixel(const bmp_header *header, const uint8_t *row, uint32_t x, uint8_t *rgb) {
    const uint32_t depth = header->depth;
    if (depth <= 8) {
        const size_t bit = (size_t)x * depth;
        const size_t index = row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
        if (index >= header->colours) {
            return false;
        }
        const uint8_t *colour = header->palette + index * header->palette_step;
        rgb[0] = colour[2];
        rgb[1] = colour[1];
        rgb[2] = colour[0];
    } else if (depth == 24) {
        rgb[0] = row[3 * (size_t)x + 2];
        rgb[1] = row[3 * (size_t)x + 1];
        rgb[2] = row[3 * (size_t)x];
    } else {
        const int bytes = (int)depth / 8;
        const uint32_t pixel = little(row + (size_t)x * (size_t)bytes, bytes);
        for (int c = 0; c < 3; c++) {
            rgb[c] = part(pixel, &header->fields[c]);
        }
    }
    return true;
}

static bool is_known_depth(uint32_t depth) {
    return depth == 1 || depth == 4 || depth == 8 || depth == 16 || depth == 24 || depth == 32;
}

rb_image_error rb_bmp_decode(rb_image_job *job) {
    bmp_header header = {0};
    const rb_image_error error = read_header(job, &header);
    if (error != RB_IMAGE_OK) {
        return error;
    }
    if (!is_known_depth(header.depth)) {
        return rb_image_fail(job, RB_IMAGE_UNSUPPORTED, "a BMP file of a depth that is not read; convert it to PNG");
    }
    // Rows of 2^14 pixels and 4 bytes, 2^14 of them: below 2^31.
    if (header.pixels_at > job->file_bytes || job->file_bytes - header.pixels_at < header.row_bytes * header.height) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the BMP file ends before its last pixel");
    }
    if (job->rgb == NULL) {
        return RB_IMAGE_OK;
    }
    uint8_t *rgb = job->rgb;
    for (uint32_t y = 0; y < header.height; y++) {
        const uint32_t stored = header.is_top_down ? y : header.height - 1 - y;
        const uint8_t *row = job->file + header.pixels_at + stored * header.row_bytes;
        for (uint32_t x = 0; x < header.width; x++, rgb += 3) {
            if (!convert_pixel(&header, row, x, rgb)) {
                return rb_image_fail(job, RB_IMAGE_DAMAGED, "a pixel of the BMP file has no colour in its palette");
            }
        }
    }
    return RB_IMAGE_OK;
}
