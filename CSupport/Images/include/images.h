// Picture files in memory to pixels: JPEG, PNG, and the binary PNM kinds PPM (P6) and PGM (P5).
//
// Pixels come out as RGB24: rows from the top, 3 bytes a pixel, no gaps. Grey becomes three equal channels, palettes
// are expanded, transparency is ignored, of 16-bit samples the high byte stays, and no colour profile is applied. JPEG
// is decoded with the accurate integer DCT, so every processor gives the same bits.
//
// Nothing is written but the caller's buffers. libjpeg and libpng take working memory from the heap and give it back
// before these functions return; PNM takes none. Files may come from anywhere: every one ends in pixels or an error.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The longest side of a picture that is accepted, in pixels.
#define RB_IMAGE_MAX_SIDE 16384

typedef enum { RB_IMAGE_JPEG, RB_IMAGE_PNG, RB_IMAGE_PNM } rb_image_kind;

typedef struct {
    rb_image_kind kind;
    int32_t width, height; // 1..RB_IMAGE_MAX_SIDE
} rb_image_info;

typedef enum {
    RB_IMAGE_OK = 0,
    RB_IMAGE_UNKNOWN_KIND = 1, // the first bytes are those of no kind above
    RB_IMAGE_DAMAGED = 2,      // truncated, or not what its kind prescribes
    RB_IMAGE_UNSUPPORTED = 3,  // a variant that is not read, such as a CMYK JPEG
    RB_IMAGE_TOO_LARGE = 4,    // a side of more than RB_IMAGE_MAX_SIDE pixels
    RB_IMAGE_SMALL_BUFFER = 5, // fewer than width * height * 3 bytes were given
    RB_IMAGE_OUT_OF_MEMORY = 6 // the heap has no more, or the picture wants more than its kind may take
} rb_image_error;

// Enough for the longest message.
#define RB_IMAGE_MESSAGE_BYTES 200

// Reads the header only: kind and size of the picture. `message` is as for rb_image_decode.
rb_image_error rb_image_probe(const uint8_t *file, size_t file_bytes, rb_image_info *info, char *message);

// Decodes the whole picture into `rgb`, which must hold width * height * 3 bytes as rb_image_probe tells them.
// After an error `rgb` holds any part of the picture. `message`, RB_IMAGE_MESSAGE_BYTES long, then says in one line of
// text, without the file's name, what is wrong; it is empty after RB_IMAGE_OK.
rb_image_error rb_image_decode(const uint8_t *file, size_t file_bytes, uint8_t *rgb, size_t rgb_bytes, char *message);
