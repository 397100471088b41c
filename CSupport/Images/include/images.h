// Picture files in memory to pixels: JPEG, PNG, WebP, BMP, GIF, and the binary PNM kinds PPM (P6) and PGM (P5). The
// kind is told by the content, whatever the file is named.
//
// Pixels come out as RGB24: rows from the top, 3 bytes a pixel, no gaps. Grey becomes three equal channels, palettes
// are expanded, transparency is ignored, CMYK is converted as Pillow does, of several pictures the first is taken, and
// no colour profile is applied. Of 16-bit samples the high byte stays; grey ones that all fit into 8 bits are taken as
// they are. Pictures are turned upright by the orientation in their EXIF block. JPEG is decoded with the accurate
// integer DCT, so every processor gives the same bits.
//
// Nothing is written but the caller's buffers. The libraries take working memory from the heap, as turning a picture
// does, and it is given back before these functions return. Files may come from anywhere: every one ends in pixels or
// an error.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The longest side of a picture that is accepted, in pixels.
#define RB_IMAGE_MAX_SIDE 16384

typedef enum { RB_IMAGE_JPEG, RB_IMAGE_PNG, RB_IMAGE_PNM, RB_IMAGE_WEBP, RB_IMAGE_BMP, RB_IMAGE_GIF } rb_image_kind;

typedef struct {
    rb_image_kind kind;
    int32_t width, height; // of the upright picture, 1..RB_IMAGE_MAX_SIDE
    int32_t orientation;   // of the stored picture, 1..8 as in EXIF; 1: it is upright, or its EXIF block is ignored
} rb_image_info;

typedef enum {
    RB_IMAGE_OK = 0,
    RB_IMAGE_UNKNOWN_KIND = 1, // the content is of no kind above
    RB_IMAGE_DAMAGED = 2,      // truncated, or not what its kind prescribes
    RB_IMAGE_UNSUPPORTED = 3,  // a variant that is not read, such as an animated WebP
    RB_IMAGE_TOO_LARGE = 4,    // a side of more than RB_IMAGE_MAX_SIDE pixels
    RB_IMAGE_SMALL_BUFFER = 5, // fewer than width * height * 3 bytes were given
    RB_IMAGE_OUT_OF_MEMORY = 6 // the heap has no more, or the picture wants more than its kind may take
} rb_image_error;

// Enough for the longest message.
#define RB_IMAGE_MESSAGE_BYTES 200

// Reads the header only: kind and size of the picture. `message` is as for rb_image_decode.
rb_image_error rb_image_probe(const uint8_t *file, size_t file_bytes, bool ignores_exif, rb_image_info *info,
                              char *message);

// Decodes the whole picture into `rgb`, which must hold width * height * 3 bytes as rb_image_probe tells them.
// After an error `rgb` holds any part of the picture. `message`, RB_IMAGE_MESSAGE_BYTES long, then says in one line of
// text, without the file's name, what is wrong. After RB_IMAGE_OK every pixel is there; the message is empty, or a
// warning: the file's end is missing or damaged behind the last pixel, or its samples are not what they should be.
rb_image_error rb_image_decode(const uint8_t *file, size_t file_bytes, bool ignores_exif, uint8_t *rgb,
                               size_t rgb_bytes, char *message);
