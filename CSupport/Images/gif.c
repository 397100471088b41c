#include "decoder.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    rb_image_job *job;
    size_t position; // in job->file
} gif_source;

static int on_read(GifFileType *gif, GifByteType *bytes, int count) {
    gif_source *source = gif->UserData;
    const size_t left = source->job->file_bytes - source->position;
    const size_t taken = (size_t)count < left ? (size_t)count : left;
    memcpy(bytes, source->job->file + source->position, taken);
    source->position += taken;
    return (int)taken;
}

// Everything up to the first picture; what stands before it are extensions.
static bool go_to_picture(GifFileType *gif) {
    GifRecordType record;
    while (DGifGetRecordType(gif, &record) == GIF_OK) {
        int code;
        GifByteType *data;
        switch (record) {
        case IMAGE_DESC_RECORD_TYPE:
            return DGifGetImageDesc(gif) == GIF_OK;
        case EXTENSION_RECORD_TYPE:
            if (DGifGetExtension(gif, &code, &data) != GIF_OK) {
                return false;
            }
            while (data != NULL) {
                if (DGifGetExtensionNext(gif, &data) != GIF_OK) {
                    return false;
                }
            }
            break;
        default:
            return false;
        }
    }
    return false;
}

static void set_pixel(uint8_t *target, const ColorMapObject *colours, int index) {
    if (colours != NULL && index < colours->ColorCount) {
        const GifColorType colour = colours->Colors[index];
        target[0] = colour.Red;
        target[1] = colour.Green;
        target[2] = colour.Blue;
    } else {
        memset(target, 0, 3);
    }
}

// One row of the picture; `line` holds it.
static bool read_row(GifFileType *gif, rb_image_job *job, int y, GifByteType *line) {
    const GifImageDesc *picture = &gif->Image;
    if (DGifGetLine(gif, line, picture->Width) != GIF_OK) {
        return false;
    }
    const ColorMapObject *colours = picture->ColorMap != NULL ? picture->ColorMap : gif->SColorMap;
    const size_t first = (size_t)(picture->Top + y) * (size_t)job->info.width + (size_t)picture->Left;
    for (int x = 0; x < picture->Width; x++) {
        set_pixel(job->rgb + (first + (size_t)x) * 3, colours, line[x]);
    }
    return true;
}

static bool read_rows(GifFileType *gif, rb_image_job *job, GifByteType *line) {
    // Interlaced rows come in four passes.
    static const int first_rows[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const bool is_interlaced = gif->Image.Interlace;
    for (int pass = 0; pass < (is_interlaced ? 4 : 1); pass++) {
        const int step = is_interlaced ? steps[pass] : 1;
        for (int y = first_rows[pass]; y < gif->Image.Height; y += step) {
            if (!read_row(gif, job, y, line)) {
                return false;
            }
        }
    }
    return true;
}

static uint32_t larger(int a, int b) {
    return (uint32_t)(a > b ? a : b);
}

static rb_image_error read_gif(GifFileType *gif, rb_image_job *job) {
    if (!go_to_picture(gif)) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the GIF file holds no picture, or is damaged before it");
    }
    const GifImageDesc *picture = &gif->Image;
    if (picture->Width <= 0 || picture->Height <= 0 || picture->Left < 0 || picture->Top < 0) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the picture has no pixels");
    }
    // A picture may stand on a part of the screen, or reach over it.
    const rb_image_error error = rb_image_accept_size(job, larger(gif->SWidth, picture->Left + picture->Width),
                                                      larger(gif->SHeight, picture->Top + picture->Height));
    if (error != RB_IMAGE_OK || job->rgb == NULL) {
        return error;
    }
    const size_t pixels = (size_t)job->info.width * (size_t)job->info.height;
    for (size_t i = 0; i < pixels; i++) {
        set_pixel(job->rgb + i * 3, gif->SColorMap, gif->SBackGroundColor);
    }
    GifByteType *line = malloc((size_t)picture->Width);
    if (line == NULL) {
        return rb_image_fail(job, RB_IMAGE_OUT_OF_MEMORY, "no memory to read the GIF file");
    }
    const bool is_whole = read_rows(gif, job, line);
    free(line);
    return is_whole ? RB_IMAGE_OK : rb_image_fail(job, RB_IMAGE_DAMAGED, "the GIF file is damaged or ends too early");
}

rb_image_error rb_gif_decode(rb_image_job *job) {
    gif_source source = {.job = job};
    int code;
    GifFileType *gif = DGifOpen(&source, on_read, &code);
    if (gif == NULL) {
        return rb_image_fail(job, RB_IMAGE_DAMAGED, "the GIF file's header is damaged");
    }
    const rb_image_error error = read_gif(gif, job);
    DGifCloseFile(gif, &code);
    return error;
}
