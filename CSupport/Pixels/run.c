// One frame through a plan: rows are converted one by one and added to the output rows that they contribute to; an
// output row that has all its source rows is filtered horizontally and quantised.
#include "formats.h"
#include "triangle.h"

enum { FRACTION_BITS = 7 }; // of a vertically filtered value: 255 * 2^7 fits int16

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

// The filtered row to one row of the output. The weights are not negative and sum to one, so no value needs a clamp.
RB_VECTORISED static void finish_row(const rb_pixels_plan *plan, uint8_t *output) {
    const int16_t *first_channel = plan->filtered + (plan->bgr ? 2 * plan->row_stride : 0);
    const int16_t *last_channel = plan->filtered + (plan->bgr ? 0 : 2 * plan->row_stride);
    const int16_t *middle_channel = plan->filtered + plan->row_stride;
    for (int32_t x = 0; x < plan->view.output_width; x++, output += RB_PIXELS_OUTPUT_STRIDE) {
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

bool rb_pixels_run(const rb_pixels_plan *plan, const rb_pixels_frame *frame, uint8_t *output) {
    const rb_format *format = rb_format_get((int32_t)plan->format);
    const rb_yuv_weights *weights = rb_yuv_weights_get(plan->colour);
    const int32_t values = 3 * plan->row_stride, rows = plan->view.output_height;
    uint8_t *row = plan->row;
    for (int32_t y = plan->vertical_first[0], open = 0; open < rows; y++) {
        format->convert_row(frame, weights, y, plan->first_column, plan->columns, row, row + plan->row_stride,
                            row + 2 * plan->row_stride);
        for (int32_t o = open; o < rows && plan->vertical_first[o] <= y; o++) {
            const int32_t tap = y - plan->vertical_first[o];
            const int32_t weight = plan->vertical_weights[(size_t)o * (size_t)plan->vertical_taps + (size_t)tap];
            int32_t *sum = accumulator(plan, o);
            if (tap == 0) {
                begin_sum(row, weight, values, sum);
            } else {
                add_to_sum(row, weight, values, sum);
            }
            if (tap == plan->vertical_count[o] - 1) {
                narrow(sum, values, plan->filtered);
                finish_row(plan, output + (size_t)o * (size_t)plan->view.output_width * RB_PIXELS_OUTPUT_STRIDE);
                open = o + 1;
            }
        }
    }
    return true;
}
