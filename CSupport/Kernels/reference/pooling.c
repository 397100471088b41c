// Pooling: one implementation for all processors. The inner loops run over the channels of a pixel, so that a compiler
// makes vectors of them.
#include "../clones.h"
#include <string.h>

RB_INLINE int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

RB_INLINE int32_t smaller(int32_t a, int32_t b) {
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
RB_INLINE void take_largest(window w, const bool flipped, const int32_t channels, uint8_t *output) {
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

RB_INLINE void pool_pixel(window w, const bool flipped, int32_t channels, uint8_t *output) {
    for (; channels >= CHANNELS_TOGETHER; channels -= CHANNELS_TOGETHER) {
        take_largest(w, flipped, CHANNELS_TOGETHER, output);
        w.first += CHANNELS_TOGETHER;
        output += CHANNELS_TOGETHER;
    }
    take_largest(w, flipped, channels, output);
}

RB_INLINE void pool_largest(const rb_max_pool *pool, int32_t part, int32_t parts) {
    const rb_shape *input = &pool->input;
    const bool flipped = rb_path_activation_flip(pool->path) != 0;
    window w = {.row_stride = rb_pixel_offset(input, 1, 0), .pixel_stride = (size_t)input->pixel_stride};
    const rb_range rows = rb_share(pool->output.height, part, parts);
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int32_t begin = y * pool->stride_y - pool->padding_top, top = larger(begin, 0);
        w.rows = smaller(begin + pool->kernel_height, input->height) - top;
        for (int32_t x = 0; x < pool->output.width; x++) {
            const int32_t start = x * pool->stride_x - pool->padding_left, left = larger(start, 0);
            w.columns = smaller(start + pool->kernel_width, input->width) - left;
            w.first = pool->input_data + rb_pixel_offset(input, top, left);
            uint8_t *output = pool->output_data + rb_pixel_offset(&pool->output, y, x);
            if (flipped) {
                pool_pixel(w, true, pool->output.channels, output);
            } else {
                pool_pixel(w, false, pool->output.channels, output);
            }
        }
    }
}

RB_CLONES(rb_max_pool, pool_largest)

// Sums of up to CHANNELS_TOGETHER channels over all pixels, to features.
RB_INLINE void average(const rb_global_average_pool *pool, int32_t first, const int32_t channels, const uint8_t flip) {
    const rb_shape *s = &pool->input;
    const int32_t pixels = s->height * s->width;
    const uint8_t *pixel = pool->input_data + first;
    int32_t sums[CHANNELS_TOGETHER] = {0};
    for (int32_t p = 0; p < pixels; p++, pixel += s->pixel_stride) {
        for (int32_t c = 0; c < channels; c++) {
            sums[c] += pixel[c] ^ flip;
        }
    }
    for (int32_t c = 0; c < channels; c++) {
        pool->features[first + c] = (float)(sums[c] - pixels * s->zero_point) * pool->multiplier;
    }
}

RB_INLINE void average_all(const rb_global_average_pool *pool, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(pool->path);
    const int32_t channels = pool->input.channels, blocks = (channels + CHANNELS_TOGETHER - 1) / CHANNELS_TOGETHER;
    const rb_range share = rb_share(blocks, part, parts);
    for (int32_t block = share.begin; block < share.end; block++) {
        const int32_t first = block * CHANNELS_TOGETHER;
        if (channels - first >= CHANNELS_TOGETHER) {
            average(pool, first, CHANNELS_TOGETHER, flip);
        } else {
            average(pool, first, channels - first, flip);
        }
    }
}

RB_CLONES(rb_global_average_pool, average_all)

// Up to CHANNELS_TOGETHER channels from `first` on of output pixel (y, x); a constant number of them stays in
// registers.
RB_INLINE void average_window(const rb_average_pool *pool, int32_t y, int32_t x, int32_t first, const int32_t channels,
                              const uint8_t flip) {
    const rb_shape *input = &pool->input;
    const int32_t top = y * pool->stride_y - pool->padding_top, left = x * pool->stride_x - pool->padding_left;
    const int32_t first_y = larger(top, 0), end_y = smaller(top + pool->kernel_height, input->height);
    const int32_t first_x = larger(left, 0), end_x = smaller(left + pool->kernel_width, input->width);
    int32_t sums[CHANNELS_TOGETHER] = {0};
    for (int32_t input_y = first_y; input_y < end_y; input_y++) {
        for (int32_t input_x = first_x; input_x < end_x; input_x++) {
            const uint8_t *pixel = pool->input_data + rb_pixel_offset(input, input_y, input_x) + first;
            for (int32_t c = 0; c < channels; c++) {
                sums[c] += (pixel[c] ^ flip) - input->zero_point;
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
        output[c] = (uint8_t)(rb_round_clamped(value, (float)-zero, (float)(255 - zero)) + zero) ^ flip;
    }
}

RB_INLINE void average_windows(const rb_average_pool *pool, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(pool->path);
    const int32_t channels = pool->output.channels;
    const rb_range pixels = rb_share(pool->output.height * pool->output.width, part, parts);
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        const int32_t y = p / pool->output.width, x = p % pool->output.width;
        int32_t first = 0;
        for (; first + CHANNELS_TOGETHER <= channels; first += CHANNELS_TOGETHER) {
            average_window(pool, y, x, first, CHANNELS_TOGETHER, flip);
        }
        if (first < channels) {
            average_window(pool, y, x, first, channels - first, flip);
        }
    }
}

RB_CLONES(rb_average_pool, average_windows)
