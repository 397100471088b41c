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

// How the kernel's window lies in memory. A tap is one position of the window, or, where there are few channels, a
// whole row of it: fewer and longer runs of bytes. Taps that are rows lie in copies of the input's rows, which have
// zero points on both sides; the scratch memory holds as many such rows as a strip needs, and each row is copied once.
typedef struct {
    int32_t taps, tap_bytes;
    int32_t columns;   // of the window in one tap
    int32_t rows;      // kept as copies; 0: taps lie in the input itself
    int32_t row_bytes; // of a copy
} window_taps;

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

// The copies that taps of whole rows need, or 0 rows where taps should not be rows.
static window_taps row_taps_of(const rb_conv_shape *s) {
    const int32_t inputs = rounded_inputs(s);
    const int64_t row_bytes = ((int64_t)(s->output.width - 1) * s->stride_x + s->kernel_width) * inputs;
    const int32_t output_rows = smaller((RB_STRIP_PIXELS - 2) / s->output.width + 2, s->output.height);
    const int64_t rows = (int64_t)(output_rows - 1) * s->stride_y + (s->kernel_height - 1) * s->dilation_y + 1;
    const bool worth = s->groups == 1 && s->dilation_x == 1 && s->kernel_width > 1 && s->input.pixel_stride == inputs &&
                       inputs <= RB_ROW_TAP_CHANNELS && row_bytes <= RB_ROW_COPIES_BYTES &&
                       rows * row_bytes <= RB_ROW_COPIES_BYTES;
    if (!worth) {
        return (window_taps){.rows = 0};
    }
    return (window_taps){s->kernel_height, s->kernel_width * inputs, s->kernel_width, (int32_t)rows,
                         (int32_t)row_bytes};
}

static window_taps taps_of(const rb_conv_shape *s) {
    const window_taps rows = row_taps_of(s);
    return rows.rows > 0 ? rows : (window_taps){s->kernel_height * s->kernel_width, rb_block_inputs(s), 1, 0, 0};
}

// Scratch holds a table of addresses, [taps + 1][RB_TABLE_PIXELS] with the residual's pixels last; one tap of zero
// points; and the copies of rows. An address counts as 8 bytes everywhere, so that a file's arena size holds on every
// architecture.
typedef struct {
    size_t outside, copies, end;
} scratch_layout;

static scratch_layout layout_of(const rb_conv_shape *s) {
    const window_taps w = taps_of(s);
    const size_t table = ((size_t)w.taps + 1) * RB_TABLE_PIXELS * 8;
    const size_t copies = table + rb_round_up((size_t)larger(w.tap_bytes, rounded_inputs(s)), 64);
    return (scratch_layout){table, copies, copies + rb_round_up((size_t)w.rows * (size_t)w.row_bytes, 64)};
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
    uint8_t *outside, *copies;
    int32_t rows_copied; // input rows before this one have been copied, as far as they are needed
    size_t block_bytes;
    rb_range blocks; // the part's
} work;

// A run of `count` output pixels, numbered in raster order over the whole output.
typedef struct {
    int32_t first, count;
} pixel_run;

static uint8_t *copied_row(const work *w, int32_t input_y) {
    return w->copies + (size_t)(input_y % w->window.rows) * (size_t)w->window.row_bytes;
}

// Copies the input rows under a run of output pixels that have not been copied yet.
static void copy_rows(work *w, pixel_run run) {
    const rb_conv_shape *s = &w->conv->shape;
    const size_t pixel = (size_t)s->input.pixel_stride;
    const int32_t room = w->window.row_bytes / s->input.pixel_stride - s->padding_left;
    const int32_t columns = larger(smaller(s->input.width, room), 0);
    const int32_t first = run.first / s->output.width * s->stride_y - s->padding_top;
    const int32_t last_row = (run.first + run.count - 1) / s->output.width * s->stride_y - s->padding_top;
    const int32_t end = smaller(last_row + (s->kernel_height - 1) * s->dilation_y + 1, s->input.height);
    w->rows_copied = larger(w->rows_copied, larger(first, 0));
    for (; w->rows_copied < end; w->rows_copied++) {
        memcpy(copied_row(w, w->rows_copied) + (size_t)s->padding_left * pixel,
               w->conv->input + rb_pixel_offset(&s->input, w->rows_copied, 0), (size_t)columns * pixel);
    }
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
    const int32_t taps_across = w->window.rows > 0 ? 1 : s->kernel_width;
    const int32_t input_y = y * s->stride_y - s->padding_top + tap / taps_across * s->dilation_y;
    const uint8_t **addresses = w->table + (size_t)tap * RB_TABLE_PIXELS + p;
    const size_t pixel = (size_t)s->input.pixel_stride;
    const size_t step = (size_t)s->stride_x * pixel;
    if (input_y < 0 || input_y >= s->input.height) {
        fill_run(addresses, w->outside, 0, count);
        return;
    }
    if (w->window.rows > 0) {
        fill_run(addresses, copied_row(w, input_y) + (size_t)x * step, step, count);
        return;
    }
    const int32_t input_x = x * s->stride_x - s->padding_left + tap % taps_across * s->dilation_x;
    const int32_t before = input_x >= 0 ? 0 : smaller((-input_x + s->stride_x - 1) / s->stride_x, count);
    const int32_t first = input_x + before * s->stride_x;
    const int32_t room = s->input.width - 1 - first;
    const int32_t inside = room < 0 ? 0 : smaller(room / s->stride_x + 1, count - before);
    fill_run(addresses, w->outside, 0, before);
    if (inside > 0) {
        fill_run(addresses + before, w->conv->input + rb_pixel_offset(&s->input, input_y, first), step, inside);
    }
    fill_run(addresses + before + inside, w->outside, 0, count - before - inside);
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
    const int32_t pixels = strip.count / tiles, larger_tiles = strip.count % tiles;
    for (int32_t t = 0, p = 0; t < tiles; t++, p += tile.pixels) {
        tile.pixels = pixels + (t < larger_tiles);
        tile.inputs = w->table + p;
        tile.residual = w->table + (size_t)w->window.taps * RB_TABLE_PIXELS + p;
        tile.output = w->conv->output + (size_t)(strip.first + p) * s->output.pixel_stride + channel;
        w->tiling->run(&tile);
    }
}

// Every tile of a strip, a few blocks of output channels after the other, so that their weights stay in the cache. With
// groups each block has its own input channels, so blocks go one by one.
static void run_strip(work *w, pixel_run strip) {
    if (w->window.rows > 0) {
        copy_rows(w, strip);
    }
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
        .copies = conv->scratch + layout.copies,
        .block_bytes = block_bytes,
    };
    memset(w.outside, s->input.zero_point ^ conv->flip, layout.end - layout.outside);

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
