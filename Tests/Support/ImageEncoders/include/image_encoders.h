// Encoders for the tests of the picture decoders, on the same libraries. They end the program on an error.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// `samples`: rows of width * components bytes; 1 component is grey, 3 RGB, 4 CMYK. Returns the size of the file written
// to `file`, which must be large enough.
size_t rb_encode_jpeg(const uint8_t *samples, int32_t width, int32_t height, int32_t components, bool progressive,
                      uint8_t *file, size_t file_bytes);

// How a JPEG file of three components is laid out.
typedef struct {
    uint8_t horizontal[3], vertical[3]; // sampling factors, 1..4, of Y, U and V
    int32_t restart_interval;           // units between two restart markers; 0: none
    bool separates_scans;               // a scan for each component
    bool omits_huffman_tables;          // the usual ones are used, and are not in the file
} rb_jpeg_form;

// `rgb`: rows of 3 * width bytes. The rest is as for rb_encode_jpeg.
size_t rb_encode_jpeg_form(const uint8_t *rgb, int32_t width, int32_t height, const rb_jpeg_form *form, uint8_t *file,
                           size_t file_bytes);

// `rgb`: rows of 3 * width bytes; a WebP file without loss.
size_t rb_encode_webp(const uint8_t *rgb, int32_t width, int32_t height, uint8_t *file, size_t file_bytes);

// The colour types of the PNG specification.
typedef enum {
    RB_PNG_GREY = 0,
    RB_PNG_RGB = 2,
    RB_PNG_PALETTE = 3, // entry i is (i, 255 - i, 7 * i mod 256)
    RB_PNG_GREY_ALPHA = 4,
    RB_PNG_RGB_ALPHA = 6
} rb_png_colour;

// `samples`: rows of row_bytes bytes, packed as PNG packs them, 16-bit samples big-endian.
size_t rb_encode_png(const uint8_t *samples, size_t row_bytes, int32_t width, int32_t height, int32_t bit_depth,
                     rb_png_colour colour, bool interlaced, uint8_t *file, size_t file_bytes);
