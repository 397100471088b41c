#include "float_kernels.h"

#include <string.h>

// Compiled for wider vectors too, and chosen when the program starts (before the thread sanitizer is there, which must
// not look on then). A sum's terms are added one by one in their order, whatever the width, and never fused with their
// product: the same bits.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

enum {
    TILE_ROWS = 4,
    TILE_COLUMNS = 32, // with TILE_ROWS, sums that fit the registers of every variant
    BLOCK_DEPTH = 256, // a tile's columns of the matrix, over so many terms, stay in the nearest cache
};

// Adds the products of `depth` terms to a whole tile of sums. `columns` is [depth][TILE_COLUMNS].
VECTORISED static void add_tile(const float *weights, size_t weight_stride, const float *columns, size_t depth,
                                float *output, size_t output_stride) {
    float sums[TILE_ROWS][TILE_COLUMNS];
    for (int row = 0; row < TILE_ROWS; row++) {
        memcpy(sums[row], output + (size_t)row * output_stride, sizeof sums[row]);
    }
    for (size_t term = 0; term < depth; term++) {
        const float *values = columns + term * TILE_COLUMNS;
        for (int row = 0; row < TILE_ROWS; row++) {
            const float weight = weights[(size_t)row * weight_stride + term];
            for (int column = 0; column < TILE_COLUMNS; column++) {
                sums[row][column] += weight * values[column];
            }
        }
    }
    for (int row = 0; row < TILE_ROWS; row++) {
        memcpy(output + (size_t)row * output_stride, sums[row], sizeof sums[row]);
    }
}

// The same for a part of a tile at the right or lower edge, by way of a whole one.
static void add_part(const float *weights, size_t weight_stride, const float *columns, size_t depth, size_t rows,
                     size_t width, float *output, size_t output_stride) {
    float whole_weights[TILE_ROWS * BLOCK_DEPTH] = {0};
    float whole[TILE_ROWS * TILE_COLUMNS] = {0};
    for (size_t row = 0; row < rows; row++) {
        memcpy(whole_weights + row * BLOCK_DEPTH, weights + row * weight_stride, depth * sizeof *weights);
        memcpy(whole + row * TILE_COLUMNS, output + row * output_stride, width * sizeof *output);
    }
    add_tile(whole_weights, BLOCK_DEPTH, columns, depth, whole, TILE_COLUMNS);
    for (size_t row = 0; row < rows; row++) {
        memcpy(output + row * output_stride, whole + row * TILE_COLUMNS, width * sizeof *output);
    }
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

void rb_f32_add_product(const float *weights, size_t rows, size_t terms, const float *matrix, size_t columns,
                        size_t matrix_stride, float *output, size_t output_stride) {
    float packed[BLOCK_DEPTH * TILE_COLUMNS];
    for (size_t column = 0; column < columns; column += TILE_COLUMNS) {
        const size_t width = smaller(TILE_COLUMNS, columns - column);
        for (size_t term = 0; term < terms; term += BLOCK_DEPTH) {
            const size_t depth = smaller(BLOCK_DEPTH, terms - term);
            for (size_t i = 0; i < depth; i++) {
                float *target = packed + i * TILE_COLUMNS;
                memcpy(target, matrix + (term + i) * matrix_stride + column, width * sizeof *target);
                memset(target + width, 0, (TILE_COLUMNS - width) * sizeof *target);
            }
            for (size_t row = 0; row < rows; row += TILE_ROWS) {
                const float *from = weights + row * terms + term;
                float *to = output + row * output_stride + column;
                if (row + TILE_ROWS <= rows && width == TILE_COLUMNS) {
                    add_tile(from, terms, packed, depth, to, output_stride);
                } else {
                    add_part(from, terms, packed, depth, smaller(TILE_ROWS, rows - row), width, to, output_stride);
                }
            }
        }
    }
}

VECTORISED void rb_f32_add_scaled(float factor, const float *values, size_t count, size_t stride, float *output) {
    if (stride == 1) {
        for (size_t i = 0; i < count; i++) {
            output[i] += factor * values[i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            output[i] += factor * values[i * stride];
        }
    }
}
