// Which values of 16-bit brightness are black and white.
#include "levels.h"
#include <string.h>

enum {
    SHIFT = 40,          // fractional bits of a level a step: enough for the nearest level at every range
    LEFT_OUT = 1000,     // a thousandth of the pixels lies outside the automatic range on either side
    LEAST_AUTOMATIC = 64 // steps: noise of an even picture shall not become black and white
};

static const uint8_t *first_pixel(const rb_pixels_plan *plan, const rb_pixels_frame *frame, int32_t y) {
    return rb_row(frame, 0, y) + 2 * plan->view.left;
}

static uint32_t value_at(const uint8_t *pixel) {
    return pixel[0] | (uint32_t)pixel[1] << 8;
}

bool rb_pixels_set_levels(rb_pixels_plan *plan, rb_pixels_levels levels) {
    if (levels.kind == RB_PIXELS_LEVELS_FIXED && levels.low >= levels.high) {
        return false;
    }
    plan->levels = levels;
    return true;
}

bool rb_pixels_used_levels(const rb_pixels_plan *plan, const rb_pixels_frame *frame, uint16_t *low, uint16_t *high) {
    if (plan->format != RB_PIXELS_Y16) {
        return false;
    }
    uint32_t least = UINT16_MAX, most = 0;
    for (int32_t y = plan->view.top; y < plan->view.top + plan->view.height; y++) {
        const uint8_t *pixel = first_pixel(plan, frame, y);
        for (int32_t x = 0; x < plan->view.width; x++) {
            const uint32_t value = value_at(pixel + 2 * x);
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
    }
    *low = (uint16_t)least;
    *high = (uint16_t)most;
    return true;
}

// Widens a range to the least automatic one, around its middle.
static void widen(int32_t *low, int32_t *high) {
    if (*high - *low < LEAST_AUTOMATIC) {
        const int32_t middle = (*low + *high) / 2;
        *low = middle - LEAST_AUTOMATIC / 2;
        *low = *low < 0 ? 0 : *low > UINT16_MAX - LEAST_AUTOMATIC ? UINT16_MAX - LEAST_AUTOMATIC : *low;
        *high = *low + LEAST_AUTOMATIC;
    }
}

static void find_automatic(const rb_pixels_plan *plan, const rb_pixels_frame *frame, int32_t *low, int32_t *high) {
    uint32_t *count = plan->value_counts;
    memset(count, 0, RB_VALUE_COUNTS * sizeof *count);
    for (int32_t y = plan->view.top; y < plan->view.top + plan->view.height; y++) {
        const uint8_t *pixel = first_pixel(plan, frame, y);
        for (int32_t x = 0; x < plan->view.width; x++) {
            count[value_at(pixel + 2 * x)]++;
        }
    }
    const uint32_t outside = (uint32_t)plan->view.width * (uint32_t)plan->view.height / LEFT_OUT;
    *low = 0;
    for (uint32_t below = count[0]; below <= outside; below += count[*low]) {
        ++*low;
    }
    *high = RB_VALUE_COUNTS - 1;
    for (uint32_t above = count[*high]; above <= outside; above += count[*high]) {
        --*high;
    }
    widen(low, high);
}

rb_stretch rb_stretch_of(const rb_pixels_plan *plan, const rb_pixels_frame *frame) {
    int32_t low = plan->levels.low, high = plan->levels.high;
    if (plan->levels.kind == RB_PIXELS_LEVELS_AUTOMATIC) {
        find_automatic(plan, frame, &low, &high);
    }
    const uint64_t span = (uint64_t)(high - low);
    // Rounded up, so that halves are.
    return (rb_stretch){low, (int32_t)span, ((255ull << SHIFT) + span - 1) / span};
}

RB_VECTORISED void rb_stretch_row(const rb_pixels_frame *frame, const rb_stretch *stretch, int32_t y, int32_t begin,
                                  int32_t count, uint8_t *restrict grey) {
    const uint8_t *restrict pixel = rb_row(frame, 0, y) + 2 * begin;
    const int32_t low = stretch->low, span = stretch->span;
    const uint64_t factor = stretch->factor;
    for (int32_t x = 0; x < count; x++) {
        int32_t steps = (pixel[2 * x] | pixel[2 * x + 1] << 8) - low;
        steps = steps < 0 ? 0 : steps > span ? span : steps;
        grey[x] = (uint8_t)(((uint64_t)steps * factor + (1ull << (SHIFT - 1))) >> SHIFT);
    }
}
