// Pooling: one implementation for all processors. The inner loops run over the channels of a pixel, so that a compiler
// makes vectors of them.
#include "../conv.h"
#include <string.h>

static inline int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

enum { CHANNELS_TOGETHER = 64 };

// Input pixels under a window: `rows` x `columns` of them from `first` on.
typedef struct {
    const uint8_t *first;
    size_t row_stride, pixel_stride;
    int32_t rows, columns;
} window;

// The largest of each of up to CHANNELS_TOGETHER channels, which a constant number of them keeps in registers. A byte
// with its top bit flipped is a signed byte in the same order.
static inline void take_largest(window w, const bool flipped, const int32_t channels, uint8_t *output) {
    uint8_t best[CHANNELS_TOGETHER];
    memset(best, flipped ? 0x80 : 0, sizeof best);
    for (int32_t y = 0; y < w.rows; y++, w.first += w.row_stride) {
        const uint8_t *pixel = w.first;
        for (int32_t x = 0; x < w.columns; x++, pixel += w.pixel_stride) {
            for (int32_t c = 0; c < channels; c++) {
                const bool larger = flipped ? (int8_t)pixel[c] > (int8_t)best[c] : pixel[c] > best[c];
                best[c] = larger ? pixel[c] : best[c];
            }
        }
    }
    memcpy(output, best, (size_t)channels);
}

static inline void pool_pixel(window w, const bool flipped, int32_t channels, uint8_t *output) {
    for (; channels >= CHANNELS_TOGETHER; channels -= CHANNELS_TOGETHER) {
        take_largest(w, flipped, CHANNELS_TOGETHER, output);
        w.first += CHANNELS_TOGETHER;
        output += CHANNELS_TOGETHER;
    }
    take_largest(w, flipped, channels, output);
}

void rb_max_pool_run(const rb_max_pool *pool) {
    const rb_shape *input = &pool->input;
    window w = {.row_stride = rb_pixel_offset(input, 1, 0), .pixel_stride = (size_t)input->pixel_stride};
    for (int32_t y = 0; y < pool->output.height; y++) {
        const int32_t begin = y * pool->stride_y - pool->padding_top, top = larger(begin, 0);
        w.rows = smaller(begin + pool->kernel_height, input->height) - top;
        for (int32_t x = 0; x < pool->output.width; x++) {
            const int32_t start = x * pool->stride_x - pool->padding_left, left = larger(start, 0);
            w.columns = smaller(start + pool->kernel_width, input->width) - left;
            w.first = pool->input_data + rb_pixel_offset(input, top, left);
            uint8_t *output = pool->output_data + rb_pixel_offset(&pool->output, y, x);
            if (pool->flip == 0) {
                pool_pixel(w, false, pool->output.channels, output);
            } else {
                pool_pixel(w, true, pool->output.channels, output);
            }
        }
    }
}

// Sums of up to CHANNELS_TOGETHER channels over all pixels, to features.
static inline void average(const rb_global_average_pool *pool, int32_t first, const int32_t channels) {
    const rb_shape *s = &pool->input;
    const int32_t pixels = s->height * s->width;
    const uint8_t *pixel = pool->input_data + first;
    int32_t sums[CHANNELS_TOGETHER] = {0};
    for (int32_t p = 0; p < pixels; p++, pixel += s->pixel_stride) {
        for (int32_t c = 0; c < channels; c++) {
            sums[c] += pixel[c] ^ pool->flip;
        }
    }
    for (int32_t c = 0; c < channels; c++) {
        pool->features[first + c] = (float)(sums[c] - pixels * s->zero_point) * pool->multiplier;
    }
}

void rb_global_average_pool_run(const rb_global_average_pool *pool) {
    int32_t c = 0;
    for (; c + CHANNELS_TOGETHER <= pool->input.channels; c += CHANNELS_TOGETHER) {
        average(pool, c, CHANNELS_TOGETHER);
    }
    average(pool, c, pool->input.channels - c);
}

// The channels from `first` on, CHANNELS_TOGETHER at most, of output pixel (y, x).
static void average_window(const rb_average_pool *pool, int32_t y, int32_t x, int32_t first) {
    const rb_shape *input = &pool->input;
    const int32_t top = y * pool->stride_y - pool->padding_top, left = x * pool->stride_x - pool->padding_left;
    const int32_t first_y = larger(top, 0), end_y = smaller(top + pool->kernel_height, input->height);
    const int32_t first_x = larger(left, 0), end_x = smaller(left + pool->kernel_width, input->width);
    const int32_t channels = smaller(input->channels - first, CHANNELS_TOGETHER);
    int32_t sums[CHANNELS_TOGETHER] = {0};
    for (int32_t input_y = first_y; input_y < end_y; input_y++) {
        for (int32_t input_x = first_x; input_x < end_x; input_x++) {
            const uint8_t *pixel = pool->input_data + rb_pixel_offset(input, input_y, input_x) + first;
            for (int32_t c = 0; c < channels; c++) {
                sums[c] += (pixel[c] ^ pool->flip) - input->zero_point;
            }
        }
    }
    const int32_t inside = larger(end_y - first_y, 0) * larger(end_x - first_x, 0);
    const int32_t count = pool->counts_padding ? pool->kernel_height * pool->kernel_width : larger(inside, 1);
    const float factor = pool->multiplier / (float)count;
    const int32_t zero = pool->output.zero_point;
    uint8_t *output = pool->output_data + rb_pixel_offset(&pool->output, y, x) + first;
    for (int32_t c = 0; c < channels; c++) {
        const float value = (float)sums[c] * factor;
        output[c] = (uint8_t)(rb_round_clamped(value, (float)-zero, (float)(255 - zero)) + zero) ^ pool->flip;
    }
}

void rb_average_pool_run(const rb_average_pool *pool) {
    for (int32_t y = 0; y < pool->output.height; y++) {
        for (int32_t x = 0; x < pool->output.width; x++) {
            for (int32_t first = 0; first < pool->output.channels; first += CHANNELS_TOGETHER) {
                average_window(pool, y, x, first);
            }
        }
    }
}
