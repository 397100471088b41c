#include "strips.h"
#include "winograd.h"
#include <string.h>

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
        return rb_rounded_inputs(s);
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
    const int32_t last = rb_rounded_inputs(s) - rb_block_inputs(s);
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
    const int32_t inputs = rb_rounded_inputs(s);
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
// points; and the copies of rows, a row of zero points, and as many pixels as a kernel may read past the end of one. An
// address counts as 8 bytes everywhere, so that a file's arena size holds on every architecture.
typedef struct {
    size_t outside, copies, end;
} scratch_layout;

static scratch_layout layout_of(const rb_conv_shape *s) {
    const window_taps w = taps_of(s);
    const size_t table = ((size_t)w.taps + 1) * RB_TABLE_PIXELS * 8;
    const size_t copies = table + rb_round_up((size_t)larger(w.tap_bytes, rb_rounded_inputs(s)), 64);
    const size_t past_end = (size_t)RB_ROW_TILE_PIXELS * (size_t)rb_rounded_inputs(s);
    const size_t copies_bytes = w.rows > 0 ? ((size_t)w.rows + 1) * (size_t)w.row_bytes + past_end : 0;
    return (scratch_layout){table, copies, copies + rb_round_up(copies_bytes, 64)};
}

size_t rb_conv_scratch_bytes(const rb_conv_shape *shape) {
    const size_t strips = layout_of(shape).end;
    const size_t winograd = rb_winograd_scratch_bytes(shape);
    return strips > winograd ? strips : winograd;
}

// A convolution on its way: what stays the same for all strips.
typedef struct {
    const rb_conv *conv;
    window_taps window;
    const uint8_t **table;
    uint8_t *outside, *copies;
    int32_t rows_copied; // input rows before this one have been copied, as far as they are needed
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

// Prepares the scratch memory.
static work begin_work(const rb_conv *conv) {
    const scratch_layout layout = layout_of(&conv->shape);
    const work w = {
        .conv = conv,
        .window = taps_of(&conv->shape),
        .table = (const uint8_t **)conv->scratch,
        .outside = conv->scratch + layout.outside,
        .copies = conv->scratch + layout.copies,
    };
    memset(w.outside, conv->shape.input.zero_point ^ conv->flip, layout.end - layout.outside);
    return w;
}

void rb_run_strips(const rb_conv *conv, rb_range pixels, int32_t tile_pixels,
                   void (*run)(const rb_strip *strip, const void *context), const void *context) {
    work w = begin_work(conv);
    rb_strip strip = {
        .conv = conv,
        .taps = w.window.taps,
        .tap_bytes = w.window.tap_bytes,
        .inputs = w.table,
        .residual = w.table + (size_t)w.window.taps * RB_TABLE_PIXELS,
    };
    const int32_t most = RB_STRIP_PIXELS / tile_pixels * tile_pixels;
    const int32_t all = pixels.end - pixels.begin;
    const int32_t strips = (all + most - 1) / most;
    const int32_t length =
        strips == 0 ? 0 : ((all + strips - 1) / strips + tile_pixels - 1) / tile_pixels * tile_pixels;
    for (strip.first = pixels.begin; strip.first < pixels.end; strip.first += length) {
        strip.count = smaller(pixels.end - strip.first, length);
        const pixel_run pixel_run = {strip.first, strip.count};
        if (w.window.rows > 0) {
            copy_rows(&w, pixel_run);
        }
        fill_table(&w, pixel_run);
        run(&strip, context);
    }
}

// The input pixels under the window of output pixel (y, x), or `outside`; returns whether the whole window is inside.
static bool window_inputs(const rb_conv *conv, const uint8_t *outside, int32_t y, int32_t x, const uint8_t **inputs) {
    const rb_conv_shape *s = &conv->shape;
    bool inside = true;
    for (int32_t ky = 0; ky < s->kernel_height; ky++) {
        const int32_t input_y = y * s->stride_y - s->padding_top + ky * s->dilation_y;
        const bool row_exists = input_y >= 0 && input_y < s->input.height;
        for (int32_t kx = 0; kx < s->kernel_width; kx++) {
            const int32_t input_x = x * s->stride_x - s->padding_left + kx * s->dilation_x;
            const bool exists = row_exists && input_x >= 0 && input_x < s->input.width;
            *inputs++ = exists ? conv->input + rb_pixel_offset(&s->input, input_y, input_x) : outside;
            inside &= exists;
        }
    }
    return inside;
}

void rb_run_rows(const rb_conv *conv, rb_range pixels, void (*run)(const rb_run *run)) {
    const rb_conv_shape *s = &conv->shape;
    const uint8_t **inputs = (const uint8_t **)conv->scratch;
    uint8_t *outside = conv->scratch + layout_of(s).outside;
    memset(outside, s->input.zero_point ^ conv->flip, (size_t)rb_rounded_inputs(s));
    // The output columns before this one have their windows inside the input at the right.
    const int32_t room = s->input.width - 1 - (s->kernel_width - 1) * s->dilation_x + s->padding_left;
    const int32_t inside_end = room < 0 ? 0 : smaller(room / s->stride_x + 1, s->output.width);
    rb_run next = {
        .conv = conv,
        .taps = s->kernel_height * s->kernel_width,
        .inputs = inputs,
        .step = (size_t)s->stride_x * (size_t)s->input.pixel_stride,
    };
    for (next.first = pixels.begin; next.first < pixels.end; next.first += next.count) {
        const int32_t y = next.first / s->output.width, x = next.first % s->output.width;
        const bool inside = window_inputs(conv, outside, y, x, inputs);
        next.count = inside ? smaller(inside_end - x, pixels.end - next.first) : 1;
        run(&next);
    }
}

bool rb_copies_rows(const rb_conv_shape *shape) {
    return taps_of(shape).rows > 0;
}

void rb_run_copied_rows(const rb_conv *conv, void (*run)(const rb_conv *conv, int32_t y, const uint8_t *const *rows)) {
    const rb_conv_shape *s = &conv->shape;
    work w = begin_work(conv);
    const rb_range part = rb_share(s->output.height, conv->part, conv->parts);
    for (int32_t y = part.begin; y < part.end; y++) {
        copy_rows(&w, (pixel_run){y * s->output.width, s->output.width});
        for (int32_t ky = 0; ky < s->kernel_height; ky++) {
            const int32_t input_y = y * s->stride_y - s->padding_top + ky * s->dilation_y;
            const bool exists = input_y >= 0 && input_y < s->input.height;
            w.table[ky] = exists ? copied_row(&w, input_y) : w.copies + (size_t)w.window.rows * w.window.row_bytes;
        }
        run(conv, y, w.table);
    }
}
