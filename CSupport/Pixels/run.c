// One frame through a plan: rows are converted one by one and added to the output rows that they contribute to; an
// output row that has all its source rows is filtered horizontally and quantised.
#include "levels.h"
#include "mjpeg.h"
#include "triangle.h"
#include <string.h>

enum { FRACTION_BITS = 7 }; // of a vertically filtered value: 255 * 2^7 fits int16

// How far a frame has come: output rows before `open` are written.
typedef struct {
    const rb_pixels_plan *plan;
    uint8_t *output;
    int32_t open;
} rb_run;

static int32_t *accumulator(const rb_pixels_plan *plan, int32_t output_row) {
    return plan->accumulators + (size_t)(output_row % plan->open_rows) * 3 * (size_t)plan->row_stride;
}

RB_VECTORISED static void begin_sum(const uint8_t *restrict row, int32_t weight, int32_t count, int32_t *restrict sum) {
    for (int32_t i = 0; i < count; i++) {
        sum[i] = weight * row[i];
    }
}

RB_VECTORISED static void add_to_sum(const uint8_t *restrict row, int32_t weight, int32_t count,
                                     int32_t *restrict sum) {
    for (int32_t i = 0; i < count; i++) {
        sum[i] += weight * row[i];
    }
}

RB_VECTORISED static void narrow(const int32_t *restrict sum, int32_t count, int16_t *restrict filtered) {
    const int32_t shift = RB_WEIGHT_BITS - FRACTION_BITS;
    for (int32_t i = 0; i < count; i++) {
        filtered[i] = (int16_t)((sum[i] + (1 << (shift - 1))) >> shift);
    }
}

static int32_t round_to_byte(int32_t sum) {
    const int32_t shift = RB_WEIGHT_BITS + FRACTION_BITS;
    return (sum + (1 << (shift - 1))) >> shift;
}

// The filtered row to one row of the output, or to one column where the view is turned. The weights are not negative
// and sum to one, so no value needs a clamp.
RB_VECTORISED static void finish_row(const rb_pixels_plan *plan, uint8_t *output) {
    const int16_t *first_channel = plan->filtered + (plan->bgr ? 2 * plan->row_stride : 0);
    const int16_t *last_channel = plan->filtered + (plan->bgr ? 0 : 2 * plan->row_stride);
    const int16_t *middle_channel = plan->filtered + plan->row_stride;
    for (int32_t x = 0; x < plan->view.output_width; x++, output += plan->output_column_step) {
        const int16_t *weights = plan->horizontal_weights + (size_t)x * (size_t)plan->horizontal_taps;
        const int32_t from = plan->horizontal_first[x];
        int32_t a = 0, b = 0, c = 0;
        for (int32_t i = 0; i < plan->horizontal_taps; i++) {
            a += weights[i] * first_channel[from + i];
            b += weights[i] * middle_channel[from + i];
            c += weights[i] * last_channel[from + i];
        }
        output[0] = plan->lookup[round_to_byte(a)];
        output[1] = plan->lookup[256 + round_to_byte(b)];
        output[2] = plan->lookup[512 + round_to_byte(c)];
        output[3] = 0;
    }
}

// Adds row y of the frame, which stands converted in plan->row. Rows come in order, from the first that contributes on.
static void add_row(rb_run *run, int32_t y) {
    const rb_pixels_plan *plan = run->plan;
    const int32_t values = 3 * plan->row_stride;
    for (int32_t o = run->open; o < plan->view.output_height && plan->vertical_first[o] <= y; o++) {
        const int32_t tap = y - plan->vertical_first[o];
        const int32_t weight = plan->vertical_weights[(size_t)o * (size_t)plan->vertical_taps + (size_t)tap];
        int32_t *sum = accumulator(plan, o);
        if (tap == 0) {
            begin_sum(plan->row, weight, values, sum);
        } else {
            add_to_sum(plan->row, weight, values, sum);
        }
        if (tap == plan->vertical_count[o] - 1) {
            narrow(sum, values, plan->filtered);
            finish_row(plan, run->output + o * plan->output_row_step);
            run->open = o + 1;
        }
    }
}

static void convert(const rb_pixels_plan *plan, rb_convert_row *convert_row, const rb_pixels_frame *frame, int32_t y,
                    int32_t first_column) {
    uint8_t *row = plan->row;
    convert_row(frame, rb_yuv_weights_get(plan->colour), y, first_column, plan->columns, row, row + plan->row_stride,
                row + 2 * plan->row_stride);
}

static void take_decoded_row(void *context, int32_t y, const uint8_t *rgb) {
    rb_run *run = context;
    if (y >= run->plan->vertical_first[0] && run->open < run->plan->view.output_height) {
        const rb_pixels_frame row = {.plane = {rgb}};
        convert(run->plan, rb_convert_rgb24, &row, 0, 0);
        add_row(run, y);
    }
}

// Makes a frame of a format with rows, by way of a copy without padding: the conversion changes what it reads.
static bool convert_foreign(const rb_pixels_plan *plan, const rb_pixels_frame *frame, rb_pixels_format target,
                            rb_pixels_frame *converted) {
    const uint32_t fourcc = rb_pixels_fourcc((int32_t)plan->format);
    const int32_t width = plan->frame_width, height = plan->frame_height;
    const int32_t row_bytes = rb_v4l_row_bytes(fourcc, width), rows = rb_v4l_rows(fourcc, height);
    for (int32_t y = 0; y < rows; y++) {
        memcpy(plan->foreign + (size_t)y * (size_t)row_bytes, rb_row(frame, 0, y), (size_t)row_bytes);
    }
    return rb_v4l_convert(fourcc, width, height, plan->foreign, plan->converted) &&
           rb_pixels_frame_in(target, width, height, rb_pixels_min_stride((int32_t)target, width), plan->converted,
                              3 * (size_t)width * (size_t)height, converted);
}

// Black, everywhere: the window comes over it.
static void pad(const rb_pixels_plan *plan, uint8_t *output) {
    const uint8_t black[RB_PIXELS_OUTPUT_STRIDE] = {plan->lookup[0], plan->lookup[256], plan->lookup[512], 0};
    for (ptrdiff_t pixel = 0; pixel < plan->padded_pixels; pixel++) {
        memcpy(output + pixel * RB_PIXELS_OUTPUT_STRIDE, black, sizeof black);
    }
}

// Rows of 16-bit brightness whose levels are not the format's own.
static void run_stretched(rb_run *run, const rb_pixels_frame *frame) {
    const rb_pixels_plan *plan = run->plan;
    const rb_stretch stretch = rb_stretch_of(plan, frame);
    for (int32_t y = plan->vertical_first[0]; run->open < plan->view.output_height; y++) {
        uint8_t *row = plan->row;
        rb_stretch_row(frame, &stretch, y, plan->first_column, plan->columns, row);
        memcpy(row + plan->row_stride, row, (size_t)plan->columns);
        memcpy(row + 2 * plan->row_stride, row, (size_t)plan->columns);
        add_row(run, y);
    }
}

bool rb_pixels_run(const rb_pixels_plan *plan, const rb_pixels_frame *frame, uint8_t *output) {
    rb_run run = {plan, output + plan->output_begin, 0};
    pad(plan, output);
    if (plan->jpeg) {
        return rb_mjpeg_decode(plan->jpeg, frame->plane[0], frame->bytes, take_decoded_row, &run);
    }
    if (plan->format == RB_PIXELS_Y16 && plan->levels.kind != RB_PIXELS_LEVELS_WHOLE) {
        run_stretched(&run, frame);
        return true;
    }
    rb_pixels_format format = plan->format;
    rb_pixels_frame converted;
    if (plan->foreign) {
        format = rb_v4l_gives_yuv(rb_pixels_fourcc((int32_t)format)) ? RB_PIXELS_YUV420 : RB_PIXELS_RGB24;
        if (!convert_foreign(plan, frame, format, &converted)) {
            return false;
        }
        frame = &converted;
    }
    rb_convert_row *convert_row = rb_format_get((int32_t)format)->convert_row;
    for (int32_t y = plan->vertical_first[0]; run.open < plan->view.output_height; y++) {
        convert(plan, convert_row, frame, y, plan->first_column);
        add_row(&run, y);
    }
    return true;
}

rb_pixels_jpeg_header rb_pixels_last_header(const rb_pixels_plan *plan) {
    return plan->jpeg ? rb_mjpeg_header(plan->jpeg) : (rb_pixels_jpeg_header){0};
}
