// The workspace's layout and the tables in it.
#include "levels.h"
#include "mjpeg.h"
#include "triangle.h"
#include <math.h>
#include <string.h>

enum {
    ALIGNMENT = 64, // bytes, of every part of the workspace
    VECTOR = 8,     // rows and taps are whole vectors of this many values, so that no filter loop has a remainder
};

static rb_axis horizontal_axis(const rb_pixels_view *view) {
    return (rb_axis){view->width, view->resized_width, view->crop_left, view->output_width};
}

static rb_axis vertical_axis(const rb_pixels_view *view) {
    return (rb_axis){view->height, view->resized_height, view->crop_top, view->output_height};
}

static bool is_inside(int32_t begin, int32_t length, int32_t whole) {
    return rb_side_in_range(whole) && rb_side_in_range(length) && begin >= 0 && begin <= whole - length;
}

// libv4lconvert does not take every size.
static bool has_size(rb_pixels_format format, int32_t width, int32_t height) {
    const rb_format *found = rb_format_get((int32_t)format);
    const uint32_t fourcc = rb_pixels_fourcc((int32_t)format);
    return found &&
           (found->kind != RB_FOREIGN || (rb_v4l_row_bytes(fourcc, width) > 0 && rb_v4l_rows(fourcc, height) > 0));
}

static bool is_margin(int32_t length) {
    return length >= 0 && length <= RB_PIXELS_MAX_SIDE;
}

static bool is_valid(rb_pixels_format format, int32_t frame_width, int32_t frame_height, const rb_pixels_view *view) {
    return has_size(format, frame_width, frame_height) && is_inside(view->left, view->width, frame_width) &&
           is_inside(view->top, view->height, frame_height) &&
           is_inside(view->crop_left, view->output_width, view->resized_width) &&
           is_inside(view->crop_top, view->output_height, view->resized_height) && is_margin(view->pad_left) &&
           is_margin(view->pad_right) && is_margin(view->pad_top) && is_margin(view->pad_bottom) &&
           view->quarter_turns >= 0 && view->quarter_turns <= 3;
}

static int32_t round_up(int32_t value, int32_t step) {
    return (value + step - 1) / step * step;
}

static void set_sizes(rb_pixels_plan *plan, rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                      const rb_pixels_view *view) {
    const rb_axis horizontal = horizontal_axis(view), vertical = vertical_axis(view);
    plan->format = format;
    plan->frame_width = frame_width;
    plan->frame_height = frame_height;
    plan->view = *view;
    plan->first_column = rb_format_get((int32_t)format)->has_chroma ? view->left & ~1 : view->left;
    plan->columns = view->left + view->width - plan->first_column;
    plan->row_stride = round_up(plan->columns, VECTOR);
    const int32_t overlap = rb_axis_overlap(&vertical);
    plan->open_rows = overlap < view->output_height ? overlap : view->output_height;
    plan->horizontal_taps = round_up(rb_axis_taps(&horizontal), VECTOR);
    plan->vertical_taps = rb_axis_taps(&vertical);
}

// Where the window's pixels go in the output: turned clockwise, then mirrored.
static void set_output(rb_pixels_plan *plan) {
    const rb_pixels_view *view = &plan->view;
    const ptrdiff_t width = view->pad_left + view->output_width + view->pad_right;
    const ptrdiff_t height = view->pad_top + view->output_height + view->pad_bottom;
    const bool is_upright = view->quarter_turns % 2 == 0;
    const ptrdiff_t output_width = is_upright ? width : height;
    // The output's column and row of the pixel (0, 0), and of its neighbours in the same row and column.
    static const int8_t across[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    const ptrdiff_t column_x = across[view->quarter_turns][0], column_y = across[view->quarter_turns][1];
    const ptrdiff_t row_x = -column_y, row_y = column_x;
    ptrdiff_t x = (column_x < 0 ? width - 1 : 0) + (row_x < 0 ? height - 1 : 0);
    const ptrdiff_t y = (column_y < 0 ? width - 1 : 0) + (row_y < 0 ? height - 1 : 0);
    const ptrdiff_t mirror = view->is_mirrored ? -1 : 1;
    if (view->is_mirrored) {
        x = output_width - 1 - x;
    }
    plan->output_column_step = (column_y * output_width + mirror * column_x) * RB_PIXELS_OUTPUT_STRIDE;
    plan->output_row_step = (row_y * output_width + mirror * row_x) * RB_PIXELS_OUTPUT_STRIDE;
    plan->output_begin = (y * output_width + x) * RB_PIXELS_OUTPUT_STRIDE + view->pad_left * plan->output_column_step +
                         view->pad_top * plan->output_row_step;
    plan->padded_pixels = width * height > (ptrdiff_t)view->output_width * view->output_height ? width * height : 0;
}

// The next `bytes` of the workspace; with a NULL workspace, only counts them.
static void *take(uint8_t *workspace, size_t *used, size_t bytes) {
    const size_t offset = *used;
    *used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return workspace ? workspace + offset : NULL;
}

// The zero weights at the end of the last column's taps reach past the last channel.
static size_t filtered_bytes(const rb_pixels_plan *plan) {
    return (3 * (size_t)plan->row_stride + (size_t)plan->horizontal_taps) * sizeof(int16_t);
}

static size_t foreign_bytes(const rb_pixels_plan *plan) {
    const uint32_t fourcc = rb_pixels_fourcc((int32_t)plan->format);
    return (size_t)rb_v4l_row_bytes(fourcc, plan->frame_width) * (size_t)rb_v4l_rows(fourcc, plan->frame_height);
}

// Places every part of the workspace and returns its whole size.
static size_t set_pointers(rb_pixels_plan *plan, uint8_t *workspace) {
    const size_t width = (size_t)plan->view.output_width, height = (size_t)plan->view.output_height;
    const size_t row = 3 * (size_t)plan->row_stride;
    size_t used = 0;
    plan->lookup = take(workspace, &used, 3 * 256);
    plan->horizontal_first = take(workspace, &used, width * sizeof(int32_t));
    plan->horizontal_weights = take(workspace, &used, width * (size_t)plan->horizontal_taps * sizeof(int16_t));
    plan->vertical_first = take(workspace, &used, height * sizeof(int32_t));
    plan->vertical_count = take(workspace, &used, height * sizeof(int32_t));
    plan->vertical_weights = take(workspace, &used, height * (size_t)plan->vertical_taps * sizeof(int16_t));
    plan->row = take(workspace, &used, row);
    plan->filtered = take(workspace, &used, filtered_bytes(plan));
    plan->accumulators = take(workspace, &used, (size_t)plan->open_rows * row * sizeof(int32_t));
    plan->jpeg = NULL;
    if (rb_pixels_is_compressed((int32_t)plan->format)) {
        plan->jpeg = take(workspace, &used, rb_mjpeg_bytes(plan->frame_width));
    }
    plan->value_counts = NULL;
    if (plan->format == RB_PIXELS_Y16) {
        plan->value_counts = take(workspace, &used, RB_VALUE_COUNTS * sizeof(uint32_t));
    }
    plan->foreign = plan->converted = NULL;
    if (rb_format_get((int32_t)plan->format)->kind == RB_FOREIGN) {
        plan->foreign = take(workspace, &used, foreign_bytes(plan));
        plan->converted = take(workspace, &used, 3 * (size_t)plan->frame_width * (size_t)plan->frame_height);
    }
    return used;
}

size_t rb_pixels_workspace_bytes(rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                                 const rb_pixels_view *view) {
    if (!is_valid(format, frame_width, frame_height, view)) {
        return 0;
    }
    rb_pixels_plan plan;
    set_sizes(&plan, format, frame_width, frame_height, view);
    return set_pointers(&plan, NULL);
}

static bool is_positive(float value) {
    return value > 0.0f && value <= 3.0e38f;
}

static bool can_quantise(const rb_pixels_quantisation *q) {
    bool valid = is_positive(q->scale) && q->zero_point >= 0 && q->zero_point <= 255;
    for (int32_t c = 0; c < 3; c++) {
        valid = valid && is_positive(q->std[c]) && fabsf(q->mean[c]) <= 3.0e38f;
    }
    return valid;
}

// A channel value as a part of white.
static float part_of_white(int32_t value, bool is_limited) {
    if (!is_limited) {
        return (float)value / 255.0f;
    }
    const float part = (float)(value - 16) / 219.0f;
    return part < 0.0f ? 0.0f : part > 1.0f ? 1.0f : part;
}

static void fill_lookup(const rb_pixels_quantisation *q, bool is_limited, uint8_t *lookup) {
    for (int32_t c = 0; c < 3; c++) {
        for (int32_t p = 0; p < 256; p++) {
            const float real = (part_of_white(p, is_limited) - q->mean[c]) / q->std[c];
            const float steps = real / q->scale;
            // Clamping first keeps the conversion to an integer in range, and changes no result.
            const float low = (float)-q->zero_point, high = (float)(255 - q->zero_point);
            const float clamped = steps < low ? low : steps > high ? high : steps;
            lookup[256 * c + p] = (uint8_t)((int32_t)rintf(clamped) + q->zero_point);
        }
    }
}

static bool can_start(rb_pixels_format format) {
    return rb_format_get((int32_t)format)->kind != RB_FOREIGN || rb_v4l_start();
}

bool rb_pixels_configure(rb_pixels_plan *plan, rb_pixels_format format, int32_t frame_width, int32_t frame_height,
                         rb_pixels_colour colour, const rb_pixels_view *view,
                         const rb_pixels_quantisation *quantisation, void *workspace) {
    if (!is_valid(format, frame_width, frame_height, view) || !can_quantise(quantisation) ||
        !rb_yuv_weights_get(colour) || !can_start(format)) {
        return false;
    }
    set_sizes(plan, format, frame_width, frame_height, view);
    set_pointers(plan, workspace);
    plan->colour = colour;
    plan->levels = (rb_pixels_levels){RB_PIXELS_LEVELS_WHOLE, 0, 0};
    fill_lookup(quantisation, rb_format_widens_rgb(rb_format_get((int32_t)format), colour), plan->lookup);
    plan->bgr = quantisation->bgr;
    set_output(plan);
    if (plan->jpeg) {
        rb_mjpeg_prepare(plan->jpeg, frame_width, frame_height, plan->first_column, plan->columns);
    }

    const rb_axis horizontal = horizontal_axis(view), vertical = vertical_axis(view);
    rb_axis_weights(&horizontal, plan->horizontal_taps, plan->horizontal_first, NULL, plan->horizontal_weights);
    rb_axis_weights(&vertical, plan->vertical_taps, plan->vertical_first, plan->vertical_count, plan->vertical_weights);
    for (int32_t x = 0; x < view->output_width; x++) {
        plan->horizontal_first[x] += view->left - plan->first_column;
    }
    for (int32_t y = 0; y < view->output_height; y++) {
        plan->vertical_first[y] += view->top;
    }
    // What lies past the last converted column meets zero weights, and must still be a value.
    memset(plan->row, 0, 3 * (size_t)plan->row_stride);
    memset(plan->filtered, 0, filtered_bytes(plan));
    return true;
}
