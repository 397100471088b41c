// Pooling: one implementation for all processors. The inner loops run over the channels of a pixel, so that a compiler
// makes vectors of them.
#include "../conv.h"
#include <string.h>

// A byte with its top bit flipped is a signed byte in the same order.
static void take_larger(uint8_t *restrict best, const uint8_t *restrict pixel, uint8_t flip, int32_t channels) {
    if (flip == 0) {
        for (int32_t c = 0; c < channels; c++) {
            best[c] = best[c] > pixel[c] ? best[c] : pixel[c];
        }
    } else {
        for (int32_t c = 0; c < channels; c++) {
            best[c] = (int8_t)best[c] > (int8_t)pixel[c] ? best[c] : pixel[c];
        }
    }
}

static inline int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

void rb_max_pool_run(const rb_max_pool *pool) {
    const rb_shape *input = &pool->input;
    const size_t channels = (size_t)pool->output.channels;
    for (int32_t y = 0; y < pool->output.height; y++) {
        const int32_t top = y * pool->stride_y - pool->padding_top;
        const int32_t bottom = smaller(top + pool->kernel_height, input->height);
        for (int32_t x = 0; x < pool->output.width; x++) {
            const int32_t left = x * pool->stride_x - pool->padding_left;
            const int32_t right = smaller(left + pool->kernel_width, input->width);
            uint8_t *best = pool->output_data + rb_pixel_offset(&pool->output, y, x);
            memset(best, pool->flip, channels);
            for (int32_t input_y = larger(top, 0); input_y < bottom; input_y++) {
                for (int32_t input_x = larger(left, 0); input_x < right; input_x++) {
                    take_larger(best, pool->input_data + rb_pixel_offset(input, input_y, input_x), pool->flip,
                                (int32_t)channels);
                }
            }
        }
    }
}

enum { AVERAGED_TOGETHER = 64 };

// Sums of up to AVERAGED_TOGETHER channels over all pixels.
static void sum_pixels(const uint8_t *pixel, size_t pixel_stride, int32_t pixels, int32_t channels, uint8_t flip,
                       int32_t sums[AVERAGED_TOGETHER]) {
    memset(sums, 0, AVERAGED_TOGETHER * sizeof *sums);
    for (int32_t p = 0; p < pixels; p++, pixel += pixel_stride) {
        for (int32_t c = 0; c < channels; c++) {
            sums[c] += pixel[c] ^ flip;
        }
    }
}

void rb_global_average_pool_run(const rb_global_average_pool *pool) {
    const rb_shape *s = &pool->input;
    const int32_t pixels = s->height * s->width;
    for (int32_t first = 0; first < s->channels; first += AVERAGED_TOGETHER) {
        const int32_t channels = smaller(s->channels - first, AVERAGED_TOGETHER);
        int32_t sums[AVERAGED_TOGETHER];
        sum_pixels(pool->input_data + first, (size_t)s->pixel_stride, pixels, channels, pool->flip, sums);
        for (int32_t c = 0; c < channels; c++) {
            pool->features[first + c] = (float)(sums[c] - pixels * s->zero_point) * pool->multiplier;
        }
    }
}
