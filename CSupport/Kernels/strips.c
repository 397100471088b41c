#include "strips.h"
#include <string.h>

/*@ assigns \nothing;
  ensures \result == \max(a, b); */
static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/*@ assigns \nothing;
  ensures \result == \min(a, b); */
static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

// A convolution on its way: what stays the same for all strips.
typedef struct {
    const rb_conv *conv;
    rb_window window;
    const uint8_t **table;
    uint8_t *outside, *copies;
    int32_t rows_copied; // input rows before this one have been copied, as far as they are needed
} work;

// A run of `count` output pixels, numbered in raster order over the whole output.
typedef struct {
    int32_t first, count;
} pixel_run;

/*@ // The table has room for every tap and the residual, and lies apart from what says where it is.
  predicate is_work(work *w) =
      \valid_read(w) && \valid_read(w->conv) && is_verified(&w->conv->shape) && is_residual(&w->conv->shape) &&
      is_window(&w->conv->shape, w->window) &&
      \valid(w->table + (0 .. (w->window.taps + 1) * RB_TABLE_PIXELS - 1)) &&
      \separated(w, w->table + (0 .. (w->window.taps + 1) * RB_TABLE_PIXELS - 1)) &&
      \separated(w->conv, w->table + (0 .. (w->window.taps + 1) * RB_TABLE_PIXELS - 1));
*/

/*@ requires is_work(w) && 0 < w->window.rows && 0 <= input_y;
  assigns \nothing;
  ensures \result == w->copies + input_y % w->window.rows * w->window.row_bytes; */
static uint8_t *copied_row(const work *w, int32_t input_y) {
    const int32_t row = input_y % w->window.rows;
    //@ ghost product_grows(row + 1, w->window.rows, w->window.row_bytes);
    //@ ghost product_grows(0, row, w->window.row_bytes);
    return w->copies + (size_t)row * (size_t)w->window.row_bytes;
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
    if (columns == 0) {
        return; // all padding
    }
    for (; w->rows_copied < end; w->rows_copied++) {
        memcpy(copied_row(w, w->rows_copied) + (size_t)s->padding_left * pixel,
               w->conv->input + rb_pixel_offset(&s->input, w->rows_copied, 0), (size_t)columns * pixel);
    }
}

// Addresses at equal distances.
/*@ requires 0 <= count && \valid(addresses + (0 .. count - 1));
  assigns addresses[0 .. count - 1]; */
static void fill_run(const uint8_t **addresses, const uint8_t *first, size_t step, int32_t count) {
    /*@ loop invariant 0 <= i <= count;
      loop assigns i, addresses[0 .. count - 1];
      loop variant count - i; */
    for (int32_t i = 0; i < count; i++) {
        addresses[i] = first + (size_t)i * step;
    }
}

// The addresses under one tap of the output pixels (y, x), (y, x + 1), ... of one output row.
/*@ requires is_work(w) && 0 <= tap < w->window.taps && 0 <= p && 0 <= count && p + count <= RB_STRIP_PIXELS;
  requires 0 <= y < w->conv->shape.output.height && 0 <= x && x + count <= w->conv->shape.output.width;
  assigns w->table[tap * RB_TABLE_PIXELS + p .. tap * RB_TABLE_PIXELS + p + count - 1]; */
static void fill_row(const work *w, int32_t tap, int32_t p, int32_t y, int32_t x, int32_t count) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t taps_across = w->window.rows > 0 ? 1 : s->kernel_width;
    //@ ghost quotient_below(tap, taps_across, s->kernel_height);
    const int32_t tap_y = tap / taps_across, tap_x = tap % taps_across;
    const int32_t stride_y = s->stride_y, stride_x = s->stride_x, dilation_y = s->dilation_y,
                  dilation_x = s->dilation_x;
    //@ ghost product_within(y, stride_y, 65534, 255);
    //@ ghost product_within(tap_y, dilation_y, 254, 255);
    const int32_t input_y = y * stride_y - s->padding_top + tap_y * dilation_y;
    const uint8_t **addresses = w->table + (size_t)tap * RB_TABLE_PIXELS + p;
    const size_t pixel = (size_t)s->input.pixel_stride;
    const size_t step = (size_t)stride_x * pixel;
    if (input_y < 0 || input_y >= s->input.height) {
        fill_run(addresses, w->outside, 0, count);
        return;
    }
    if (w->window.rows > 0) {
        fill_run(addresses, copied_row(w, input_y) + (size_t)x * step, step, count);
        return;
    }
    //@ ghost product_within(x, stride_x, 65535, 255);
    //@ ghost product_within(tap_x, dilation_x, 254, 255);
    const int32_t input_x = x * stride_x - s->padding_left + tap_x * dilation_x;
    const int32_t before = input_x >= 0 ? 0 : smaller((-input_x + stride_x - 1) / stride_x, count);
    //@ ghost product_within(before, stride_x, RB_STRIP_PIXELS, 255);
    const int32_t first = input_x + before * stride_x;
    const int32_t room = s->input.width - 1 - first;
    const int32_t inside = room < 0 ? 0 : smaller(room / stride_x + 1, count - before);
    fill_run(addresses, w->outside, 0, before);
    if (inside > 0) {
        fill_run(addresses + before, w->conv->input + rb_pixel_offset(&s->input, input_y, first), step, inside);
    }
    fill_run(addresses + before + inside, w->outside, 0, count - before - inside);
}

/*@ requires is_work(w) && w->conv->shape.residual.height != 0;
  requires 0 <= p && 0 < count && p + count <= RB_STRIP_PIXELS;
  requires 0 <= y < w->conv->shape.output.height && 0 <= x && x + count <= w->conv->shape.output.width;
  assigns w->table[w->window.taps * RB_TABLE_PIXELS + p .. w->window.taps * RB_TABLE_PIXELS + p + count - 1]; */
static void fill_residual_row(const work *w, int32_t p, int32_t y, int32_t x, int32_t count) {
    const rb_conv_shape *s = &w->conv->shape;
    const int32_t step = s->residual_step;
    //@ ghost product_grows(y, s->output.height - 1, step);
    //@ ghost product_grows(x, s->output.width - 1, step);
    //@ ghost product_within(y, step, 65534, 255);
    //@ ghost product_within(x, step, 65534, 255);
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
    const rb_tiles_workspace layout = rb_tiles_workspace_of(&conv->shape);
    const work w = {
        .conv = conv,
        .window = layout.window,
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
    uint8_t *outside = conv->scratch + rb_runs_workspace_of(s).outside;
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
    return rb_window_of(shape).rows > 0;
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
            w.table[ky] = exists ? copied_row(&w, input_y) : w.copies + w.window.copies_bytes;
        }
        run(conv, y, w.table);
    }
}
