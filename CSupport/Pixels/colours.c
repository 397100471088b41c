// What Y, U and V stand for.
#include "formats.h"

// ITU-R BT.601 and BT.709. With s = 1 in full range, and in limited range 255/219 for Y (from 16 on) and 255/224 for
// U and V:
//   r = s y                + 2 (1 - Kr) s v           Kr, Kg, Kb = 0.299, 0.587, 0.114 in BT.601
//   g = s y - 2 (1 - Kb) Kb / Kg s u - 2 (1 - Kr) Kr / Kg s v        0.2126, 0.7152, 0.0722 in BT.709
//   b = s y + 2 (1 - Kb) s u
static const rb_yuv_weights weights[2][2] = {
    [RB_PIXELS_BT601] = {{16, 9539, 13075, 3209, 6660, 16525}, {0, 8192, 11485, 2819, 5850, 14516}},
    [RB_PIXELS_BT709] = {{16, 9539, 14686, 1747, 4366, 17305}, {0, 8192, 12901, 1535, 3835, 15201}},
};

const rb_yuv_weights *rb_yuv_weights_get(rb_pixels_colour colour) {
    const int32_t matrix = (int32_t)colour.matrix, range = (int32_t)colour.range;
    if (matrix < 0 || matrix > RB_PIXELS_BT709 || range < 0 || range > RB_PIXELS_RANGE_FULL) {
        return NULL;
    }
    return &weights[matrix][colour.range == RB_PIXELS_RANGE_FULL];
}

bool rb_format_widens_rgb(const rb_format *format, rb_pixels_colour colour) {
    return format->kind == RB_ROWS && !format->has_chroma && colour.range == RB_PIXELS_RANGE_LIMITED;
}
