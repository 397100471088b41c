#include "include/image_encoders.h"

#include <png.h>
#include <stdio.h> // jpeglib.h needs it
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <webp/encode.h>

static void begin_jpeg(struct jpeg_compress_struct *jpeg, int32_t width, int32_t height, int32_t components) {
    jpeg_create_compress(jpeg);
    jpeg->image_width = (JDIMENSION)width;
    jpeg->image_height = (JDIMENSION)height;
    jpeg->input_components = components;
    jpeg->in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, 95, TRUE);
}

static size_t finish_jpeg(struct jpeg_compress_struct *jpeg, const uint8_t *samples, bool writes_all_tables,
                          uint8_t *file, size_t file_bytes) {
    unsigned char *out = NULL;
    unsigned long size = 0;
    jpeg_mem_dest(jpeg, &out, &size);
    jpeg_start_compress(jpeg, writes_all_tables);
    while (jpeg->next_scanline < jpeg->image_height) {
        const size_t row_bytes = (size_t)jpeg->image_width * (size_t)jpeg->input_components;
        JSAMPROW row = (JSAMPROW)samples + (size_t)jpeg->next_scanline * row_bytes;
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    jpeg_destroy_compress(jpeg);
    if (size > file_bytes) {
        abort();
    }
    memcpy(file, out, size);
    free(out);
    return size;
}

size_t rb_encode_jpeg(const uint8_t *samples, int32_t width, int32_t height, int32_t components, bool progressive,
                      uint8_t *file, size_t file_bytes) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    begin_jpeg(&jpeg, width, height, components);
    if (progressive) {
        jpeg_simple_progression(&jpeg);
    }
    return finish_jpeg(&jpeg, samples, true, file, file_bytes);
}

size_t rb_encode_jpeg_form(const uint8_t *rgb, int32_t width, int32_t height, const rb_jpeg_form *form, uint8_t *file,
                           size_t file_bytes) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    begin_jpeg(&jpeg, width, height, 3);
    jpeg.restart_interval = (unsigned)form->restart_interval;
    jpeg_scan_info scans[3] = {0};
    for (int c = 0; c < 3; c++) {
        jpeg.comp_info[c].h_samp_factor = form->horizontal[c];
        jpeg.comp_info[c].v_samp_factor = form->vertical[c];
        scans[c] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {c}, .Se = 63};
    }
    if (form->separates_scans) {
        jpeg.scan_info = scans;
        jpeg.num_scans = 3;
    }
    for (int t = 0; t < 2 && form->omits_huffman_tables; t++) {
        jpeg.dc_huff_tbl_ptrs[t]->sent_table = TRUE;
        jpeg.ac_huff_tbl_ptrs[t]->sent_table = TRUE;
    }
    return finish_jpeg(&jpeg, rgb, !form->omits_huffman_tables, file, file_bytes);
}

typedef struct {
    uint8_t *file;
    size_t size, capacity;
} output;

static void on_write(png_structp png, png_bytep data, size_t bytes) {
    output *out = png_get_io_ptr(png);
    if (bytes > out->capacity - out->size) {
        abort();
    }
    memcpy(out->file + out->size, data, bytes);
    out->size += bytes;
}

static void on_flush(png_structp png) {
    (void)png;
}

size_t rb_encode_png(const uint8_t *samples, size_t row_bytes, int32_t width, int32_t height, int32_t bit_depth,
                     rb_png_colour colour, bool interlaced, uint8_t *file, size_t file_bytes) {
    output out = {.file = file, .capacity = file_bytes};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) {
        abort();
    }
    png_set_write_fn(png, &out, on_write, on_flush);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, bit_depth, (int)colour,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (colour == RB_PNG_PALETTE) {
        png_color palette[256];
        for (int i = 0; i < 256; i++) {
            palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(7 * i)};
        }
        png_set_PLTE(png, info, palette, 1 << bit_depth);
    }
    png_write_info(png, info);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++) {
        for (int32_t y = 0; y < height; y++) {
            png_write_row(png, samples + (size_t)y * row_bytes);
        }
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return out.size;
}

size_t rb_encode_webp(const uint8_t *rgb, int32_t width, int32_t height, uint8_t *file, size_t file_bytes) {
    uint8_t *out = NULL;
    const size_t size = WebPEncodeLosslessRGB(rgb, width, height, 3 * width, &out);
    if (size == 0 || size > file_bytes) {
        abort();
    }
    memcpy(file, out, size);
    WebPFree(out);
    return size;
}
