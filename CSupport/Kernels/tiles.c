#include "tiles.h"
#include <string.h>

static int32_t rounded_inputs(const rb_conv_shape *s) {
    return (int32_t)rb_round_up((size_t)s->input.channels, 4);
}

// The input channels that the groups of one block cover: from the first, a multiple of 4, to past the last.
static rb_range covered_inputs(const rb_conv_shape *s, int32_t output) {
    const int32_t group_inputs = s->input.channels / s->groups;
    const int32_t group_outputs = s->output.channels / s->groups;
    const int32_t last =
        output + RB_BLOCK_CHANNELS < s->output.channels ? output + RB_BLOCK_CHANNELS - 1 : s->output.channels - 1;
    const int32_t begin = output / group_outputs * group_inputs;
    return (rb_range){begin / 4 * 4, (last / group_outputs + 1) * group_inputs};
}

int32_t rb_block_inputs(const rb_conv_shape *s) {
    if (s->groups == 1) {
        return rounded_inputs(s);
    }
    int32_t most = 0;
    for (int32_t o = 0; o < s->output.channels; o += RB_BLOCK_CHANNELS) {
        const rb_range covered = covered_inputs(s, o);
        const int32_t count = (int32_t)rb_round_up((size_t)(covered.end - covered.begin), 4);
        most = count > most ? count : most;
    }
    return most;
}

int32_t rb_block_first_input(const rb_conv_shape *s, int32_t output) {
    if (s->groups == 1) {
        return 0;
    }
    // Not so near the end that block_inputs channels from here would not exist.
    const int32_t begin = covered_inputs(s, output).begin;
    const int32_t last = rounded_inputs(s) - rb_block_inputs(s);
    return begin < last ? begin : last;
}

// How the kernel's window lies in memory. A tap is one position of the window, or a whole row of it where the pixels of
// a row are neighbours without a gap: fewer and longer runs of bytes, which pays where there are few channels.
typedef struct {
    int32_t taps, tap_bytes;
    int32_t columns; // of the window in one tap
} window_taps;

static window_taps taps_of(const rb_conv_shape *s) {
    const int32_t inputs = rounded_inputs(s);
    const bool whole_rows =
        s->groups == 1 && s->dilation_x == 1 && s->input.pixel_stride == inputs && inputs <= RB_ROW_TAP_CHANNELS;
    const int32_t columns = whole_rows ? s->kernel_width : 1;
    return (window_taps){s->kernel_height * (s->kernel_width / columns), columns * rb_block_inputs(s), columns};
}

// Scratch holds a table of addresses, [taps + 1][RB_TABLE_PIXELS] with the residual's pixels last; one tap of zero
// points; and, where taps are rows, room for the taps of a strip that stick out of the input at the left or right. An
// address counts as 8 bytes everywhere, so that a file's arena size holds on every architecture.
typedef struct {
    size_t outside, patches, end;
} scratch_layout;

static scratch_layout layout_of(const rb_conv_shape *s) {
    const window_taps w = taps_of(s);
    const size_t table = ((size_t)w.taps + 1) * RB_TABLE_PIXELS * 8;
    const size_t outside_bytes = w.columns > 1 ? (size_t)w.tap_bytes : (size_t)rounded_inputs(s);
    const size_t patches = table + rb_round_up(outside_bytes, 64);
    const size_t patch_bytes = w.columns > 1 ? (size_t)RB_STRIP_PIXELS * (size_t)w.taps * (size_t)w.tap_bytes : 0;
    return (scratch_layout){table, patches, patches + rb_round_up(patch_bytes, 64)};
}

size_t rb_conv_scratch_bytes(const rb_conv_shape *shape) {
    return layout_of(shape).end;
}

// A convolution on its way: what stays the same for all strips.
typedef struct {
    const rb_conv *conv;
    const rb_tiling *tiling;
    window_taps window;
    const uint8_t **table;
    uint8_t *outside, *patches;
    size_t block_bytes;
    rb_range blocks; // the part's
} work;

// A run of `count` output pixels, numbered in raster order over the whole output.
typedef struct {
    int32_t first, count;
} pixel_run;

// A tap that sticks out of its input row: a copy, with zero points where there is no input.
static const uint8_t *patch(const work *w, int32_t tap, int32_t p, const uint8_t *row, int32_t x) {
    const rb_shape *input = &w->conv->shape.input;
    const size_t pixel = (size_t)input->pixel_stride;
    const int32_t begin = x < 0 ? 0 : x;
    const int32_t end = x + w->window.columns < input->width ? x + w->window.columns : input->width;
    uint8_t *copy = w->patches + ((size_t)p * w->window.taps + tap) * w->window.tap_bytes;
    memcpy(copy, w->outside, (size_t)w->window.tap_bytes);
    memcpy(copy + (size_t)(begin - x) * pixel, row + (size_t)begin * pixel, (size_t)(end - begin) * pixel);
    return copy;
}

// Addresses at equal distances.
static void fill_run(const uint8_t **addresses, const uint8_t *first, size_t step, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        addresses[i] = first + (size_t)i * step;
    }
}

// The addresses under one tap of the output pixels (y, x), (y, x + 1), ... of one output row.
static void fill_row(const work *w, int32_t tap, int32_t p, int32_t y, int32_t x, int32_t count) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t columns = w->window.columns;
    const int32_t taps_across = s->kernel_width / columns;
    const int32_t input_y = y * s->stride_y - s->padding_top + tap / taps_across * s->dilation_y;
    int32_t input_x = x * s->stride_x - s->padding_left + tap % taps_across * s->dilation_x;
    const uint8_t **addresses = w->table + (size_t)tap * RB_TABLE_PIXELS + p;
    const bool row_exists = input_y >= 0 && input_y < s->input.height;
    const uint8_t *row = row_exists ? w->conv->input + rb_pixel_offset(&s->input, input_y, 0) : NULL;
    int32_t i = 0;
    for (; i < count && (!row_exists || input_x < 0); i++, input_x += s->stride_x) {
        addresses[i] = row_exists && input_x + columns > 0 ? patch(w, tap, p + i, row, input_x) : w->outside;
    }
    const int32_t room = s->input.width - columns - input_x;
    const int32_t whole = room < 0 || i == count ? 0 : room / s->stride_x + 1;
    const int32_t inside = whole < count - i ? whole : count - i;
    if (inside > 0) {
        const size_t pixel = (size_t)s->input.pixel_stride;
        fill_run(addresses + i, row + (size_t)input_x * pixel, (size_t)s->stride_x * pixel, inside);
    }
    for (i += inside, input_x += inside * s->stride_x; i < count; i++, input_x += s->stride_x) {
        addresses[i] = input_x < s->input.width ? patch(w, tap, p + i, row, input_x) : w->outside;
    }
}

static void fill_residual_row(const work *w, int32_t p, int32_t y, int32_t x, int32_t count) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t step = s->residual_step;
    const uint8_t *first = w->conv->residual + rb_pixel_offset(&s->residual, y * step, x * step);
    const uint8_t **addresses = w->table + (size_t)w->window.taps * RB_TABLE_PIXELS + p;
    fill_run(addresses, first, (size_t)step * (size_t)s->residual.pixel_stride, count);
}

static void fill_table(const work *w, pixel_run run) {
    const rb_conv_shape *s = &w->conv->shape;
    int32_t y = run.first / s->output.width;
    int32_t x = run.first % s->output.width;
    for (int32_t p = 0, count; p < run.count; p += count, y++, x = 0) {
        count = s->output.width - x < run.count - p ? s->output.width - x : run.count - p;
        for (int32_t tap = 0; tap < w->window.taps; tap++) {
            fill_row(w, tap, p, y, x, count);
        }
        if (s->residual.height != 0) {
            fill_residual_row(w, p, y, x, count);
        }
    }
    for (int32_t tap = 0; tap < w->window.taps; tap++) {
        for (int32_t p = run.count; p < run.count + RB_TILE_PIXELS; p++) {
            w->table[(size_t)tap * RB_TABLE_PIXELS + p] = w->outside;
        }
    }
}

// The tiles of a strip for the blocks [first, first + count).
static void run_blocks(const work *w, pixel_run strip, int32_t first, int32_t count) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t channel = first * RB_BLOCK_CHANNELS;
    const int32_t channels_left = s->output.channels - channel;
    rb_tile tile = {
        .conv = w->conv,
        .blocks = (const uint8_t *)w->conv->packed + (size_t)first * w->block_bytes,
        .block_bytes = w->block_bytes,
        .block_count = count,
        .first_channel = channel,
        .channels = channels_left < count * RB_BLOCK_CHANNELS ? channels_left : count * RB_BLOCK_CHANNELS,
        .taps = w->window.taps,
        .tap_bytes = w->window.tap_bytes,
        .input_offset = rb_block_first_input(s, channel),
    };
    const int32_t most = w->tiling->pixels[count - 1];
    const int32_t tiles = (strip.count + most - 1) / most;
    for (int32_t t = 0; t < tiles; t++) {
        const rb_range pixels = rb_share(strip.count, t, tiles);
        tile.pixels = pixels.end - pixels.begin;
        tile.inputs = w->table + pixels.begin;
        tile.residual = w->table + (size_t)w->window.taps * RB_TABLE_PIXELS + pixels.begin;
        tile.output = w->conv->output + (size_t)(strip.first + pixels.begin) * s->output.pixel_stride + channel;
        w->tiling->run(&tile);
    }
}

// Every tile of a strip, a few blocks of output channels after the other, so that their weights stay in the cache. With
// groups each block has its own input channels, so blocks go one by one.
static void run_strip(const work *w, pixel_run strip) {
    fill_table(w, strip);
    const int32_t blocks = w->blocks.end - w->blocks.begin;
    const int32_t most = w->conv->shape.groups == 1 ? w->tiling->blocks : 1;
    const int32_t runs = (blocks + most - 1) / most;
    for (int32_t i = 0; i < runs; i++) {
        const rb_range range = rb_share(blocks, i, runs);
        run_blocks(w, strip, w->blocks.begin + range.begin, range.end - range.begin);
    }
}

// A part is some of the output channels where the weights are what takes long to fetch, else some of the pixels.
static bool parts_are_blocks(const work *w, int32_t blocks) {
    const rb_shape *input = &w->conv->shape.input;
    const uint64_t input_bytes = (uint64_t)input->height * (uint64_t)input->width * (uint64_t)input->pixel_stride;
    return blocks >= w->conv->parts * w->tiling->blocks && (uint64_t)blocks * w->block_bytes > input_bytes;
}

void rb_run_tiles(const rb_conv *conv, const rb_tiling *tiling) {
    rb_run_tiles_of_blocks(conv, tiling, (size_t)rb_block16_bytes(&conv->shape));
}

void rb_run_tiles_of_blocks(const rb_conv *conv, const rb_tiling *tiling, size_t block_bytes) {
    const rb_conv_shape *s = &conv->shape;
    const scratch_layout layout = layout_of(s);
    work w = {
        .conv = conv,
        .tiling = tiling,
        .window = taps_of(s),
        .table = (const uint8_t **)conv->scratch,
        .outside = conv->scratch + layout.outside,
        .patches = conv->scratch + layout.patches,
        .block_bytes = block_bytes,
    };
    memset(w.outside, s->input.zero_point ^ conv->flip, layout.patches - layout.outside);

    const int32_t blocks = (s->output.channels + RB_BLOCK_CHANNELS - 1) / RB_BLOCK_CHANNELS;
    const bool by_blocks = parts_are_blocks(&w, blocks);
    w.blocks = by_blocks ? rb_share(blocks, conv->part, conv->parts) : (rb_range){0, blocks};
    const int32_t pixels = s->output.height * s->output.width;
    const rb_range part = by_blocks ? (rb_range){0, pixels} : rb_share(pixels, conv->part, conv->parts);

    // Strips of equal length, in whole tiles of the widest kind.
    const int32_t tile = tiling->pixels[(blocks < tiling->blocks ? blocks : tiling->blocks) - 1];
    const int32_t most = RB_STRIP_PIXELS / tile * tile;
    const int32_t strips = (part.end - part.begin + most - 1) / most;
    const int32_t length = strips == 0 ? 0 : ((part.end - part.begin + strips - 1) / strips + tile - 1) / tile * tile;
    for (int32_t first = part.begin; first < part.end; first += length) {
        run_strip(&w, (pixel_run){first, part.end - first < length ? part.end - first : length});
    }
}

const uint8_t *rb_residual_block(const rb_tile *tile, int32_t pixel, int32_t block, uint8_t copy[RB_BLOCK_CHANNELS]) {
    const rb_conv_shape *s = &tile->conv->shape;
    const uint8_t *residual = tile->residual[pixel];
    const int32_t begin = tile->first_channel + block * RB_BLOCK_CHANNELS - s->residual_channel_offset;
    if (begin >= 0 && begin + RB_BLOCK_CHANNELS <= s->residual.channels) {
        return residual + begin;
    }
    for (int32_t lane = 0; lane < RB_BLOCK_CHANNELS; lane++) {
        const int32_t channel = begin + lane;
        const bool exists = channel >= 0 && channel < s->residual.channels;
        copy[lane] = exists ? residual[channel] : (uint8_t)s->residual.zero_point ^ tile->conv->flip;
    }
    return copy;
}

void rb_store_block(const rb_tile *tile, int32_t pixel, int32_t block, const uint8_t values[RB_BLOCK_CHANNELS]) {
    const int32_t first = block * RB_BLOCK_CHANNELS;
    uint8_t *output = tile->output + (size_t)pixel * tile->conv->shape.output.pixel_stride + first;
    const int32_t channels = tile->channels - first;
    for (int32_t lane = 0; lane < channels && lane < RB_BLOCK_CHANNELS; lane++) {
        output[lane] = values[lane];
    }
}
