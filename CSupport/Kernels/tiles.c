#include "tiles.h"
#include <string.h>

// Scratch holds a table of addresses, [taps + 1][RB_STRIP_PIXELS] with the residual's pixels last, then one pixel of
// zero points. An address counts as 8 bytes everywhere, so that a file's arena size holds on every architecture.
static size_t table_bytes(const rb_conv_shape *shape) {
    return ((size_t)shape->kernel_height * (size_t)shape->kernel_width + 1) * RB_STRIP_PIXELS * 8;
}

size_t rb_conv_scratch_bytes(const rb_conv_shape *shape) {
    return table_bytes(shape) + rb_round_up((size_t)shape->input.channels, 64);
}

// A run of `count` output pixels, numbered in raster order over the whole output.
typedef struct {
    int32_t first, count;
} pixel_run;

// The addresses under one tap (or, for the residual, at one step) of the output pixels (y, x), (y, x + 1), ...
static void fill_row(const uint8_t **addresses, const uint8_t *data, const rb_shape *shape, const uint8_t *outside,
                     int32_t y, int32_t x, int32_t step, int32_t count) {
    if (y < 0 || y >= shape->height) {
        for (int32_t p = 0; p < count; p++) {
            addresses[p] = outside;
        }
        return;
    }
    const uint8_t *row = data + rb_pixel_offset(shape, y, 0);
    for (int32_t p = 0; p < count; p++, x += step) {
        addresses[p] = x >= 0 && x < shape->width ? row + (size_t)x * shape->pixel_stride : outside;
    }
}

// The addresses under tap (ky, kx) of a run of output pixels.
static void fill_tap(const rb_conv *conv, const uint8_t *outside, int32_t ky, int32_t kx, pixel_run run,
                     const uint8_t **addresses) {
    const rb_conv_shape *s = &conv->shape;
    int32_t y = run.first / s->output.width;
    int32_t x = run.first % s->output.width;
    for (int32_t p = 0, count; p < run.count; p += count, y++, x = 0) {
        count = s->output.width - x < run.count - p ? s->output.width - x : run.count - p;
        fill_row(addresses + p, conv->input, &s->input, outside, y * s->stride_y - s->padding_top + ky * s->dilation_y,
                 x * s->stride_x - s->padding_left + kx * s->dilation_x, s->stride_x, count);
    }
    for (int32_t p = run.count; p < RB_STRIP_PIXELS; p++) {
        addresses[p] = outside;
    }
}

static void fill_residual(const rb_conv *conv, pixel_run run, const uint8_t **addresses) {
    const rb_conv_shape *s = &conv->shape;
    for (int32_t p = 0; p < run.count; p++) {
        const int32_t y = (run.first + p) / s->output.width;
        const int32_t x = (run.first + p) % s->output.width;
        addresses[p] = conv->residual + rb_pixel_offset(&s->residual, y * s->residual_step, x * s->residual_step);
    }
}

static void fill_table(const rb_conv *conv, const uint8_t *outside, pixel_run run, const uint8_t **table) {
    const rb_conv_shape *s = &conv->shape;
    for (int32_t ky = 0; ky < s->kernel_height; ky++) {
        for (int32_t kx = 0; kx < s->kernel_width; kx++, table += RB_STRIP_PIXELS) {
            fill_tap(conv, outside, ky, kx, run, table);
        }
    }
    if (s->residual.height != 0) {
        fill_residual(conv, run, table);
    }
}

// Every tile of a strip, one block of output channels after the other, so that a block's weights stay in the cache.
static void run_strip(const rb_conv *conv, const uint8_t *const *table, pixel_run strip, int32_t tile_pixels,
                      void (*run)(const rb_tile *tile)) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t taps = s->kernel_height * s->kernel_width;
    const size_t block_bytes = (size_t)rb_block16_bytes(s);
    const uint8_t *block = conv->packed;
    for (int32_t o = 0; o < s->output.channels; o += RB_BLOCK_CHANNELS, block += block_bytes) {
        const int32_t channels_left = s->output.channels - o;
        for (int32_t p = 0; p < strip.count; p += tile_pixels) {
            const int32_t pixels_left = strip.count - p;
            const rb_tile tile = {
                .conv = conv,
                .block = (const rb_block16 *)block,
                .first_channel = o,
                .channels = channels_left < RB_BLOCK_CHANNELS ? channels_left : RB_BLOCK_CHANNELS,
                .pixels = pixels_left < tile_pixels ? pixels_left : tile_pixels,
                .taps = table + p,
                .residual = table + (size_t)taps * RB_STRIP_PIXELS + p,
                .output = conv->output + (size_t)(strip.first + p) * s->output.pixel_stride + o,
            };
            run(&tile);
        }
    }
}

void rb_run_tiles(const rb_conv *conv, int32_t tile_pixels, void (*run)(const rb_tile *tile)) {
    const rb_conv_shape *s = &conv->shape;
    const uint8_t **table = (const uint8_t **)conv->scratch;
    uint8_t *outside = conv->scratch + table_bytes(s);
    memset(outside, s->input.zero_point, rb_round_up((size_t)s->input.channels, 4));

    const int32_t end = conv->row_end * s->output.width;
    for (int32_t first = conv->row_begin * s->output.width; first < end; first += RB_STRIP_PIXELS) {
        const pixel_run strip = {first, end - first < RB_STRIP_PIXELS ? end - first : RB_STRIP_PIXELS};
        fill_table(conv, outside, strip, table);
        run_strip(conv, table, strip, tile_pixels, run);
    }
}

const uint8_t *rb_residual_block(const rb_tile *tile, int32_t pixel, uint8_t copy[RB_BLOCK_CHANNELS]) {
    const rb_conv_shape *s = &tile->conv->shape;
    const uint8_t *residual = tile->residual[pixel];
    const int32_t begin = tile->first_channel - s->residual_channel_offset;
    if (begin >= 0 && begin + RB_BLOCK_CHANNELS <= s->residual.channels) {
        return residual + begin;
    }
    for (int32_t lane = 0; lane < RB_BLOCK_CHANNELS; lane++) {
        const int32_t channel = begin + lane;
        const bool exists = channel >= 0 && channel < s->residual.channels;
        copy[lane] = exists ? residual[channel] : (uint8_t)s->residual.zero_point;
    }
    return copy;
}

void rb_store_block(const rb_tile *tile, int32_t pixel, const uint8_t values[RB_BLOCK_CHANNELS]) {
    uint8_t *output = tile->output + (size_t)pixel * tile->conv->shape.output.pixel_stride;
    for (int32_t lane = 0; lane < tile->channels; lane++) {
        output[lane] = values[lane];
    }
}
