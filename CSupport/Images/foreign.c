// What files are that are no pictures, or pictures of kinds that are not read.
#include "decoder.h"

#include <string.h>

typedef struct {
    size_t offset;
    const char *text;
    size_t bytes;
    const char *meaning;
} sign;

#define SIGN(offset, text, meaning)                                                                                    \
    { offset, text, sizeof text - 1, meaning }

static const sign signs[] = {
    SIGN(0, "II*\0", "a TIFF picture, which is not read here; convert it to PNG"),
    SIGN(0, "MM\0*", "a TIFF picture, which is not read here; convert it to PNG"),
    SIGN(4, "ftyphei", "a HEIC picture, which is not read; convert it to JPEG"),
    SIGN(4, "ftypmif", "a HEIF picture, which is not read; convert it to JPEG"),
    SIGN(4, "ftypavi", "an AVIF picture, which is not read; convert it to JPEG"),
    SIGN(4, "ftyp", "a film, not a picture"),
    SIGN(0, "\xFF\x0A", "a JPEG XL picture, which is not read; convert it to JPEG"),
    SIGN(4, "JXL ", "a JPEG XL picture, which is not read; convert it to JPEG"),
    SIGN(4, "jP  ", "a JPEG 2000 picture, which is not read; convert it to JPEG"),
    SIGN(0, "8BPS", "a Photoshop document, which is not read; convert it to JPEG"),
    SIGN(0, "%PDF", "a PDF document, not a picture"),
    SIGN(0, "PK\x03\x04", "a zip archive, not a picture"),
    SIGN(0, "\0\x05\x16\x07", "what macOS stores beside a file (AppleDouble), not a picture"),
    SIGN(0, "version https://git-lfs", "a pointer of Git LFS, not the picture: run git lfs pull"),
    SIGN(0, "P1", "a PBM or plain PNM file, which is not read; convert it to PNG"),
    SIGN(0, "P2", "a PBM or plain PNM file, which is not read; convert it to PNG"),
    SIGN(0, "P3", "a PBM or plain PNM file, which is not read; convert it to PNG"),
    SIGN(0, "P4", "a PBM or plain PNM file, which is not read; convert it to PNG"),
};

// Whether a text begins so, in capitals or not, behind white space.
static bool begins(const uint8_t *file, size_t file_bytes, const char *lower_case) {
    size_t at = file_bytes >= 3 && memcmp(file, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < file_bytes && (file[at] == ' ' || (file[at] >= '\t' && file[at] <= '\r'))) {
        at++;
    }
    for (; *lower_case != '\0'; lower_case++, at++) {
        const uint8_t c = at < file_bytes ? file[at] : 0;
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)*lower_case) {
            return false;
        }
    }
    return true;
}

const char *rb_image_foreign_kind(const uint8_t *file, size_t file_bytes) {
    if (file_bytes == 0) {
        return "an empty file";
    }
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const sign *known = &signs[i];
        if (file_bytes >= known->offset + known->bytes &&
            memcmp(file + known->offset, known->text, known->bytes) == 0) {
            return known->meaning;
        }
    }
    if (begins(file, file_bytes, "<!doctype html") || begins(file, file_bytes, "<html")) {
        return "an HTML page, not a picture: a download that failed";
    }
    if (begins(file, file_bytes, "<?xml") || begins(file, file_bytes, "<svg")) {
        return "an XML or SVG file, which is not read; convert it to PNG";
    }
    return "no picture of a kind read here: JPEG, PNG, WebP, BMP, GIF, binary PPM or PGM";
}
