#include "tiff_images.h"

#include <images.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

typedef struct {
    const uint8_t *bytes;
    toff_t size, position;
} source;

static tmsize_t on_read(thandle_t handle, void *target, tmsize_t count) {
    source *file = (source *)handle;
    const toff_t left = file->position < file->size ? file->size - file->position : 0;
    const toff_t taken = (toff_t)count < left ? (toff_t)count : left;
    memcpy(target, file->bytes + file->position, (size_t)taken);
    file->position += taken;
    return (tmsize_t)taken;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t count) {
    (void)handle;
    (void)bytes;
    (void)count;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int origin) {
    source *file = (source *)handle;
    const toff_t base = origin == SEEK_SET ? 0 : origin == SEEK_CUR ? file->position : file->size;
    file->position = base + offset;
    return file->position;
}

static int on_close(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle) {
    return ((source *)handle)->size;
}

static void on_message(const char *module, const char *format, va_list arguments) {
    (void)module;
    (void)format;
    (void)arguments; // the caller's message says enough, and standard error is the program's
}

typedef struct {
    source file;
    TIFF *tiff;
    uint32_t width, height; // as stored
    uint16_t orientation;
    char *message;
} job;

static bool fail(job *j, const char *message) {
    snprintf(j->message, RB_IMAGE_MESSAGE_BYTES, "%s", message);
    return false;
}

static bool open_tiff(job *j, bool ignores_orientation) {
    j->message[0] = '\0';
    TIFFSetErrorHandler(on_message);
    TIFFSetWarningHandler(on_message);
    j->tiff = TIFFClientOpen("", "rm", (thandle_t)&j->file, on_read, on_write, on_seek, on_close, on_size, NULL, NULL);
    if (j->tiff == NULL || !TIFFGetField(j->tiff, TIFFTAG_IMAGEWIDTH, &j->width) ||
        !TIFFGetField(j->tiff, TIFFTAG_IMAGELENGTH, &j->height) || j->width == 0 || j->height == 0) {
        return fail(j, "the TIFF file's header is damaged or ends too early");
    }
    if (j->width > RB_IMAGE_MAX_SIDE || j->height > RB_IMAGE_MAX_SIDE) {
        return fail(j, "a side is longer than 16384 pixels");
    }
    if (!TIFFGetField(j->tiff, TIFFTAG_ORIENTATION, &j->orientation) || ignores_orientation || j->orientation > 8) {
        j->orientation = ORIENTATION_TOPLEFT;
    }
    return true;
}

static bool is_on_its_side(const job *j) {
    return j->orientation >= ORIENTATION_LEFTTOP;
}

bool rb_tiff_recognise(const uint8_t *file, size_t file_bytes) {
    return file_bytes >= 4 && (memcmp(file, "II*\0", 4) == 0 || memcmp(file, "MM\0*", 4) == 0);
}

bool rb_tiff_probe(const uint8_t *file, size_t file_bytes, bool ignores_orientation, int32_t *width, int32_t *height,
                   char *message) {
    job j = {.file = {file, file_bytes, 0}, .message = message};
    const bool is_open = open_tiff(&j, ignores_orientation);
    if (is_open) {
        *width = (int32_t)(is_on_its_side(&j) ? j.height : j.width);
        *height = (int32_t)(is_on_its_side(&j) ? j.width : j.height);
    }
    if (j.tiff != NULL) {
        TIFFClose(j.tiff);
    }
    return is_open;
}

// The raster's rows come from the bottom of the stored picture, whatever its orientation, which is then applied here.
static void copy_upright(const job *j, const uint32_t *raster, uint8_t *rgb) {
    const bool on_side = is_on_its_side(j);
    const uint16_t o = j->orientation;
    const bool mirrors_columns =
        o == ORIENTATION_TOPRIGHT || o == ORIENTATION_BOTRIGHT || o == ORIENTATION_RIGHTBOT || o == ORIENTATION_LEFTBOT;
    const bool mirrors_rows =
        o == ORIENTATION_BOTRIGHT || o == ORIENTATION_BOTLEFT || o == ORIENTATION_RIGHTTOP || o == ORIENTATION_RIGHTBOT;
    const uint32_t width = on_side ? j->height : j->width, height = on_side ? j->width : j->height;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, rgb += 3) {
            uint32_t column = on_side ? y : x, row = on_side ? x : y;
            column = mirrors_columns ? j->width - 1 - column : column;
            row = mirrors_rows ? j->height - 1 - row : row;
            const uint32_t pixel = raster[(size_t)(j->height - 1 - row) * j->width + column];
            rgb[0] = (uint8_t)TIFFGetR(pixel);
            rgb[1] = (uint8_t)TIFFGetG(pixel);
            rgb[2] = (uint8_t)TIFFGetB(pixel);
        }
    }
}

static bool read_pixels(job *j, uint8_t *rgb, size_t rgb_bytes) {
    const size_t pixels = (size_t)j->width * j->height;
    if (rgb_bytes < pixels * 3) {
        return fail(j, "the buffer is smaller than width * height * 3 bytes");
    }
    // Strips and tiles that are not in the file would still take their memory.
    if (pixels / 4096 > j->file.size) {
        return fail(j, "the TIFF file is smaller than a picture of its size can be");
    }
    uint32_t *raster = malloc(pixels * sizeof *raster);
    if (raster == NULL) {
        return fail(j, "no memory to read the TIFF file");
    }
    // libtiff flips nothing where it is told that the raster has the picture's own orientation.
    TIFFSetField(j->tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    const bool is_read = TIFFReadRGBAImageOriented(j->tiff, j->width, j->height, raster, ORIENTATION_BOTLEFT, 1) == 1;
    if (is_read) {
        copy_upright(j, raster, rgb);
    }
    free(raster);
    return is_read || fail(j, "the TIFF file is damaged, or of a variant that is not read");
}

bool rb_tiff_decode(const uint8_t *file, size_t file_bytes, bool ignores_orientation, uint8_t *rgb, size_t rgb_bytes,
                    char *message) {
    job j = {.file = {file, file_bytes, 0}, .message = message};
    const bool is_read = open_tiff(&j, ignores_orientation) && read_pixels(&j, rgb, rgb_bytes);
    if (j.tiff != NULL) {
        TIFFClose(j.tiff);
    }
    return is_read;
}
