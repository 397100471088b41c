// Rows of the formats with Y, U and V. Each function is one inner loop with constant byte positions.
#include "formats.h"

static inline uint8_t clamp_to_byte(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Rounds half up: within one level of the formula.
static inline void put_yuv(const rb_yuv_weights *w, int32_t y, int32_t u, int32_t v, uint8_t *red, uint8_t *green,
                           uint8_t *blue) {
    const int32_t luma = w->luma * (y - w->black) + 4096;
    *red = clamp_to_byte((luma + w->red_v * (v - 128)) >> 13);
    *green = clamp_to_byte((luma - w->green_u * (u - 128) - w->green_v * (v - 128)) >> 13);
    *blue = clamp_to_byte((luma + w->blue_u * (u - 128)) >> 13);
}

// `first`: the byte of a pair's first Y, the second is two behind; `u`, `v`: the bytes of its chroma.
#define PACKED(name, first, u, v)                                                                                      \
    RB_VECTORISED RB_CONVERT_ROW(name) {                                                                               \
        const rb_yuv_weights w = *weights;                                                                             \
        const uint8_t *restrict pair = rb_row(frame, 0, y) + 2 * begin;                                                \
        const int32_t even = count & ~1;                                                                               \
        for (int32_t x = 0; x < even; x += 2) {                                                                        \
            const uint8_t *p = pair + 2 * x;                                                                           \
            put_yuv(&w, p[first], p[u], p[v], red + x, green + x, blue + x);                                           \
            put_yuv(&w, p[(first) + 2], p[u], p[v], red + x + 1, green + x + 1, blue + x + 1);                         \
        }                                                                                                              \
        if (even < count) {                                                                                            \
            const uint8_t *p = pair + 2 * even;                                                                        \
            put_yuv(&w, p[first], p[u], p[v], red + even, green + even, blue + even);                                  \
        }                                                                                                              \
    }

PACKED(rb_convert_yuyv, 0, 1, 3)
PACKED(rb_convert_yvyu, 0, 3, 1)
PACKED(rb_convert_uyvy, 1, 0, 2)
PACKED(rb_convert_vyuy, 1, 2, 0)

// `u_of`, `v_of`: the pointer to the first pair's U and V; `step`: bytes from one pair's to the next's.
#define PLANAR(name, u_of, v_of, step)                                                                                 \
    RB_VECTORISED RB_CONVERT_ROW(name) {                                                                               \
        const rb_yuv_weights w = *weights;                                                                             \
        const uint8_t *restrict luma = rb_row(frame, 0, y) + begin;                                                    \
        const int32_t chroma_begin = begin / 2 * (step);                                                               \
        const uint8_t *restrict u = (u_of) + chroma_begin, *restrict v = (v_of) + chroma_begin;                        \
        const int32_t pairs = count / 2;                                                                               \
        for (int32_t i = 0; i < pairs; i++) {                                                                          \
            const int32_t x = 2 * i, c = (step)*i;                                                                     \
            put_yuv(&w, luma[x], u[c], v[c], red + x, green + x, blue + x);                                            \
            put_yuv(&w, luma[x + 1], u[c], v[c], red + x + 1, green + x + 1, blue + x + 1);                            \
        }                                                                                                              \
        if (2 * pairs < count) {                                                                                       \
            const int32_t x = 2 * pairs, c = (step)*pairs;                                                             \
            put_yuv(&w, luma[x], u[c], v[c], red + x, green + x, blue + x);                                            \
        }                                                                                                              \
    }

PLANAR(rb_convert_nv16, rb_row(frame, 1, y), rb_row(frame, 1, y) + 1, 2)
PLANAR(rb_convert_nv61, rb_row(frame, 1, y) + 1, rb_row(frame, 1, y), 2)
PLANAR(rb_convert_nv12, rb_row(frame, 1, y / 2), rb_row(frame, 1, y / 2) + 1, 2)
PLANAR(rb_convert_nv21, rb_row(frame, 1, y / 2) + 1, rb_row(frame, 1, y / 2), 2)
PLANAR(rb_convert_yuv420, rb_row(frame, 1, y / 2), rb_row(frame, 2, y / 2), 1)
PLANAR(rb_convert_yvu420, rb_row(frame, 2, y / 2), rb_row(frame, 1, y / 2), 1)
