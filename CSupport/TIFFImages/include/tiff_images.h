// TIFF files in memory to pixels, for the host: libtiff is more than a board should carry.
//
// Pixels come out as those of images.h do: RGB24, rows from the top, transparency ignored, of several pictures the
// first, upright by the file's orientation unless that is ignored.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether a file begins like a TIFF file.
bool rb_tiff_recognise(const uint8_t *file, size_t file_bytes);

// Reads the size of the upright picture. False where the file cannot be read: `message`, RB_IMAGE_MESSAGE_BYTES long,
// then says why in one line; else it is empty.
bool rb_tiff_probe(const uint8_t *file, size_t file_bytes, bool ignores_orientation, int32_t *width, int32_t *height,
                   char *message);

// Decodes into `rgb`, which must hold width * height * 3 bytes as rb_tiff_probe tells them. False and a message as
// there.
bool rb_tiff_decode(const uint8_t *file, size_t file_bytes, bool ignores_orientation, uint8_t *rgb, size_t rgb_bytes,
                    char *message);
