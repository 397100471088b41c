// paint FOURCC WIDTH HEIGHT MATRIX COUNT: the first COUNT grey pictures of standard input, tinted, as camera frames.
//
// A picture in is 32x32 bytes. In the frame every pixel of it is a square block, as large as fits the height; the
// blocks stand in the middle, black beside them. The tint changes from left to right, from top to bottom, and from
// picture to picture, so that an exchange of channels, planes, rows or columns changes what is seen. FOURCC is a V4L2
// pixel format; planes follow each other without padding. R565 is RGB3 after a loss of what RGB565 cannot hold. MATRIX
// is 601 or 709, in limited range.
//
// It shares no code with what it is to test: floating point, straight from the definitions.
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h> // wants stdio.h before it

enum { SIDE = 32 };

typedef struct {
    double red, green, blue; // 0..255
} colour;

typedef struct {
    int width, height;
    colour *pixels;
} picture;

typedef struct {
    double red, blue; // weights of R and B in Y
} matrix;

static colour at(const picture *picture, int x, int y) {
    return picture->pixels[(size_t)y * (size_t)picture->width + (size_t)x];
}

static void tint(const picture *picture, const uint8_t *greys, int number) {
    const int zoom = picture->height / SIDE;
    const int left = (picture->width - zoom * SIDE) / 2, top = (picture->height - zoom * SIDE) / 2;
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            const int column = (x - left) / zoom, row = (y - top) / zoom;
            const bool inside = x >= left && y >= top && column < SIDE && row < SIDE;
            const double grey = inside ? greys[row * SIDE + column] : 0;
            const double across = 0.4 * x / picture->width, down = 0.4 * y / picture->height;
            picture->pixels[y * picture->width + x] =
                (colour){round(grey * (1 - across)), round(grey * (1 - down)), round(grey * (1 - 0.2 * (number % 3)))};
        }
    }
}

static uint8_t byte(double value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : lround(value));
}

static double luma(colour c, matrix m) {
    return m.red * c.red + (1 - m.red - m.blue) * c.green + m.blue * c.blue;
}

// 16..235, and 16..240 around 128.
static uint8_t y_of(colour c, matrix m) {
    return byte(16 + 219 * luma(c, m) / 255);
}
static uint8_t u_of(colour c, matrix m) {
    return byte(128 + 224 * (c.blue - luma(c, m)) / (2 * (1 - m.blue)) / 255);
}
static uint8_t v_of(colour c, matrix m) {
    return byte(128 + 224 * (c.red - luma(c, m)) / (2 * (1 - m.red)) / 255);
}

// The mean of a block of columns x rows pixels.
static colour mean(const picture *picture, int x, int y, int columns, int rows) {
    colour sum = {0, 0, 0};
    for (int j = 0; j < rows; j++) {
        for (int i = 0; i < columns; i++) {
            const colour c = at(picture, x + i, y + j);
            sum = (colour){sum.red + c.red, sum.green + c.green, sum.blue + c.blue};
        }
    }
    const double count = columns * rows;
    return (colour){sum.red / count, sum.green / count, sum.blue / count};
}

// `order` names the bytes of two pixels: Y first, then second, U and V of both.
static void paint_422(const picture *picture, matrix m, const char *order) {
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x += 2) {
            const colour both = mean(picture, x, y, 2, 1);
            int next = x;
            for (const char *part = order; *part; part++) {
                putchar(*part == 'Y' ? y_of(at(picture, next++, y), m) : *part == 'U' ? u_of(both, m) : v_of(both, m));
            }
        }
    }
}

// A plane of Y, then one plane for each of `planes`: "UV" a plane of pairs, "U" and "V" planes of their own.
static void paint_420(const picture *picture, matrix m, const char *const planes[]) {
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            putchar(y_of(at(picture, x, y), m));
        }
    }
    for (; *planes; planes++) {
        for (int y = 0; y < picture->height; y += 2) {
            for (int x = 0; x < picture->width; x += 2) {
                const colour block = mean(picture, x, y, 2, 2);
                for (const char *part = *planes; *part; part++) {
                    putchar(*part == 'U' ? u_of(block, m) : v_of(block, m));
                }
            }
        }
    }
}

// RGB of what the blocks of columns x rows pixels that share chroma have kept.
static void paint_subsampled(const picture *picture, matrix m, int columns, int rows) {
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            const colour block = mean(picture, x / columns * columns, y / rows * rows, columns, rows);
            const double luma = 255 * (y_of(at(picture, x, y), m) - 16) / 219.0;
            const double red = luma + 255 * (v_of(block, m) - 128) / 224.0 * 2 * (1 - m.red);
            const double blue = luma + 255 * (u_of(block, m) - 128) / 224.0 * 2 * (1 - m.blue);
            const double green = (luma - m.red * red - m.blue * blue) / (1 - m.red - m.blue);
            printf("%c%c%c", byte(red), byte(green), byte(blue));
        }
    }
}

// `order` names the bytes of a pixel; X is anything.
static void paint_rgb(const picture *picture, const char *order) {
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            const colour c = at(picture, x, y);
            for (const char *part = order; *part; part++) {
                putchar(*part == 'R' ? byte(c.red) : *part == 'G' ? byte(c.green) : *part == 'B' ? byte(c.blue) : 0xA5);
            }
        }
    }
}

// What is left of 8 bits in 5 or 6, and the 8 bits nearest to it.
static int keep(double value, int bits) {
    return byte(value) >> (8 - bits);
}
static int expand(int kept, int bits) {
    return kept << (8 - bits) | kept >> (2 * bits - 8);
}

static void paint_565(const picture *picture, bool expanded) {
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            const colour c = at(picture, x, y);
            const int red = keep(c.red, 5), green = keep(c.green, 6), blue = keep(c.blue, 5);
            const int word = red << 11 | green << 5 | blue;
            if (expanded) {
                printf("%c%c%c", expand(red, 5), expand(green, 6), expand(blue, 5));
            } else {
                printf("%c%c", word & 255, word >> 8);
            }
        }
    }
}

static void paint_jpeg(const picture *picture) {
    struct jpeg_compress_struct job;
    struct jpeg_error_mgr errors;
    job.err = jpeg_std_error(&errors);
    jpeg_create_compress(&job);
    jpeg_stdio_dest(&job, stdout);
    job.image_width = (JDIMENSION)picture->width;
    job.image_height = (JDIMENSION)picture->height;
    job.input_components = 3;
    job.in_color_space = JCS_RGB;
    jpeg_set_defaults(&job);
    jpeg_set_quality(&job, 90, TRUE);
    jpeg_start_compress(&job, TRUE);
    uint8_t *row = malloc(3 * (size_t)picture->width);
    for (int y = 0; row != NULL && y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            const colour c = at(picture, x, y);
            row[3 * x] = byte(c.red);
            row[3 * x + 1] = byte(c.green);
            row[3 * x + 2] = byte(c.blue);
        }
        jpeg_write_scanlines(&job, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&job);
    jpeg_destroy_compress(&job);
}

// Brightness in full range, of BT.601 whatever the matrix; 10 and 16 bits hold the 8 bits above noise.
static void paint_grey(const picture *picture, int bits) {
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            const int grey = byte(luma(at(picture, x, y), (matrix){0.299, 0.114}));
            const int value = grey << (bits - 8) | (x * 7 & ((1 << (bits - 8)) - 1));
            putchar(value & 255);
            if (bits > 8) {
                putchar(value >> 8);
            }
        }
    }
}

static bool paint(const picture *picture, const char *fourcc, matrix m) {
    static const struct {
        const char *fourcc, *order;
    } packed[] = {{"YUYV", "YUYV"}, {"UYVY", "UYVY"}, {"YVYU", "YVYU"}, {"VYUY", "VYUY"}},
      rgb[] = {{"RGB3", "RGB"},  {"BGR3", "BGR"},  {"XR24", "BGRX"},
               {"BX24", "XRGB"}, {"RX24", "XBGR"}, {"XB24", "RGBX"}};
    static const struct {
        const char *fourcc, *planes[3];
    } planar[] = {{"NV12", {"UV"}}, {"NV21", {"VU"}}, {"YU12", {"U", "V"}}, {"YV12", {"V", "U"}}};
    static const struct {
        const char *fourcc;
        int bits;
    } grey[] = {{"GREY", 8}, {"Y10 ", 10}, {"Y16 ", 16}};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
        if (strcmp(fourcc, packed[i].fourcc) == 0) {
            return paint_422(picture, m, packed[i].order), true;
        }
    }
    for (size_t i = 0; i < sizeof planar / sizeof *planar; i++) {
        if (strcmp(fourcc, planar[i].fourcc) == 0) {
            return paint_420(picture, m, planar[i].planes), true;
        }
    }
    for (size_t i = 0; i < sizeof rgb / sizeof *rgb; i++) {
        if (strcmp(fourcc, rgb[i].fourcc) == 0) {
            return paint_rgb(picture, rgb[i].order), true;
        }
    }
    for (size_t i = 0; i < sizeof grey / sizeof *grey; i++) {
        if (strcmp(fourcc, grey[i].fourcc) == 0) {
            return paint_grey(picture, grey[i].bits), true;
        }
    }
    if (strcmp(fourcc, "JPEG") == 0) {
        return paint_jpeg(picture), true;
    }
    const bool is_422 = strcmp(fourcc, "R422") == 0;
    if (is_422 || strcmp(fourcc, "R420") == 0) {
        return paint_subsampled(picture, m, 2, is_422 ? 1 : 2), true;
    }
    const bool expanded = strcmp(fourcc, "R565") == 0;
    if (expanded || strcmp(fourcc, "RGBP") == 0) {
        return paint_565(picture, expanded), true;
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: paint FOURCC WIDTH HEIGHT 601|709 COUNT\n");
        return 2;
    }
    picture picture = {atoi(argv[2]), atoi(argv[3]), NULL};
    const matrix m = strcmp(argv[4], "709") == 0 ? (matrix){0.2126, 0.0722} : (matrix){0.299, 0.114};
    picture.pixels = calloc((size_t)picture.width * (size_t)picture.height, sizeof *picture.pixels);
    for (int number = 0; number < atoi(argv[5]); number++) {
        uint8_t greys[SIDE * SIDE];
        if (picture.pixels == NULL || picture.height < SIDE || fread(greys, sizeof greys, 1, stdin) != 1) {
            fprintf(stderr, "paint: no picture %d\n", number);
            return 1;
        }
        tint(&picture, greys, number);
        if (!paint(&picture, argv[1], m)) {
            fprintf(stderr, "paint: unknown format %s\n", argv[1]);
            return 1;
        }
    }
    free(picture.pixels);
    return fflush(stdout) == 0 ? 0 : 1;
}
