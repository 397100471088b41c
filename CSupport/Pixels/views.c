// Which part of a frame a model sees.
#include "formats.h"

static void crop_then_resize(rb_pixels_view *view) {
    const int32_t width = view->width, height = view->height;
    const int32_t by_width = width * view->output_height, by_height = height * view->output_width;
    if (by_width > by_height) {
        view->width = by_height / view->output_height;
    } else {
        view->height = by_width / view->output_width;
    }
    view->left = (width - view->width) / 2;
    view->top = (height - view->height) / 2;
    view->resized_width = view->output_width;
    view->resized_height = view->output_height;
}

// Half of a margin, an odd one's half rounded to even: Python's round(margin / 2).
static int32_t half_to_even(int32_t margin) {
    const int32_t half = margin / 2;
    return half + (margin % 2 == 1 && half % 2 == 1);
}

static void crop_centre(rb_pixels_view *view) {
    view->crop_left = half_to_even(view->resized_width - view->output_width);
    view->crop_top = half_to_even(view->resized_height - view->output_height);
}

static void resize_then_crop(rb_pixels_view *view, int32_t shorter_side) {
    const int32_t shorter = view->width < view->height ? view->width : view->height;
    view->resized_width = shorter_side * view->width / shorter;
    view->resized_height = shorter_side * view->height / shorter;
    crop_centre(view);
}

static void squash(rb_pixels_view *view, int32_t larger_side, int32_t larger_output) {
    view->resized_width = larger_side * view->output_width / larger_output;
    view->resized_height = larger_side * view->output_height / larger_output;
    crop_centre(view);
}

// length * numerator / denominator to the nearest, to even at a tie, at least 1.
static int32_t scaled(int32_t length, int32_t numerator, int32_t denominator) {
    const int32_t product = length * numerator;
    const int32_t whole = product / denominator, twice_rest = product % denominator * 2;
    const bool goes_up = twice_rest > denominator || (twice_rest == denominator && whole % 2 == 1);
    return whole + goes_up > 0 ? whole + goes_up : 1;
}

static void fit_and_pad(rb_pixels_view *view) {
    const int32_t canvas_width = view->output_width, canvas_height = view->output_height;
    if (view->width * canvas_height > view->height * canvas_width) {
        view->output_height = scaled(canvas_width, view->height, view->width);
    } else {
        view->output_width = scaled(canvas_height, view->width, view->height);
    }
    view->resized_width = view->output_width;
    view->resized_height = view->output_height;
    view->pad_left = half_to_even(canvas_width - view->output_width);
    view->pad_top = half_to_even(canvas_height - view->output_height);
    view->pad_right = canvas_width - view->output_width - view->pad_left;
    view->pad_bottom = canvas_height - view->output_height - view->pad_top;
}

rb_pixels_view rb_pixels_model_view(int32_t width, int32_t height, rb_pixels_fit fit, int32_t resize,
                                    int32_t output_width, int32_t output_height) {
    rb_pixels_view view = {
        .width = width, .height = height, .output_width = output_width, .output_height = output_height};
    if (!rb_side_in_range(width) || !rb_side_in_range(height) || !rb_side_in_range(resize) ||
        !rb_side_in_range(output_width) || !rb_side_in_range(output_height)) {
        return view; // resized to nothing: rb_pixels_workspace_bytes refuses it
    }
    const int32_t larger_output = output_width > output_height ? output_width : output_height;
    switch (fit) {
    case RB_PIXELS_CROP:
        if (resize == larger_output) {
            crop_then_resize(&view);
        } else {
            resize_then_crop(&view, resize);
        }
        break;
    case RB_PIXELS_SQUASH:
        squash(&view, resize, larger_output);
        break;
    case RB_PIXELS_PAD:
        fit_and_pad(&view);
        break;
    }
    return view;
}
