// Depthwise 3x3 convolutions with stride 1 or 2, for aarch64 with dot products: eight channels of two pixels at a time,
// from left to right. The bytes of four input rows at one column are interleaved ("zipped"), so that the rows of a
// channel lie side by side, as sdot multiplies them. With stride 1 the two pixels stand one above the other: the
// weights (w0, w1, w2, 0) give the upper one, (0, w0, w1, w2) the lower one, and each column serves the three pairs
// under whose windows it lies. With stride 2 they are neighbours in a row, and the fourth row has weights of zero.
//
// A row or column outside the input is one of zero points.
#include "../depthwise.h"

#if defined(__aarch64__)
#include "requantize_neon.h"

#define RB_DOTPROD __attribute__((target("dotprod"), always_inline)) static inline

// Eight channels of four input rows at one column: of each half of the channels [channel][row].
typedef struct {
    int8x16_t half[2];
} column;

// Rows of pixels: the next pixel's first channel, and how far it is to the one after.
typedef struct {
    const int8_t *inputs[4];
    int8_t *outputs[2];
    int64_t input_steps[4], output_steps[2]; // 0 where all pixels are the same place
} band;

// What a group of eight channels is multiplied with, in registers.
typedef struct {
    int8x16_t weights[2][3][2]; // [shift of the rows][kx][half of the channels]
    int32x4_t bias[2];
    rb_requantization requantization;
    column outside;   // zero points
    int32_t channels; // how many of the eight exist
} group;

// What stays the same along a row, for the compiler to make a loop of its own for each.
typedef struct {
    bool whole; // all eight channels exist
    bool relu;  // see rb_round_and_clamp
} variant;

// Loads and stores that step on to the next pixel, which compilers would add in instructions of their own.
RB_INLINE int8x8_t load_next(const int8_t **from, int64_t step) {
    int8x8_t value;
    __asm__("ld1 {%0.8b}, [%1], %2" : "=w"(value), "+r"(*from) : "r"(step) : "memory");
    return value;
}

RB_INLINE void store_next(int8_t **to, int64_t step, int8x16_t value, bool upper_half) {
    if (upper_half) {
        __asm__("st1 {%1.d}[1], [%0], %2" : "+r"(*to) : "w"(value), "r"(step) : "memory");
    } else {
        __asm__("st1 {%1.8b}, [%0], %2" : "+r"(*to) : "w"(value), "r"(step) : "memory");
    }
}

RB_INLINE column next_column(band *b, int32_t rows) {
    int8x16_t bytes[4];
    RB_UNROLL
    for (int32_t row = 0; row < rows; row++) {
        const int8x8_t eight = load_next(&b->inputs[row], b->input_steps[row]);
        bytes[row] = vcombine_s8(eight, eight);
    }
    const int16x8_t upper = vreinterpretq_s16_s8(vzip1q_s8(bytes[0], bytes[1]));
    const int16x8_t lower = vreinterpretq_s16_s8(vzip1q_s8(bytes[2], bytes[rows - 1]));
    return (column){{vreinterpretq_s8_s16(vzip1q_s16(upper, lower)), vreinterpretq_s8_s16(vzip2q_s16(upper, lower))}};
}

// The column at x, which is the next one of the input unless it is outside.
RB_INLINE column column_at(band *b, const group *g, int32_t x, int32_t width, int32_t rows) {
    return x >= 0 && x < width ? next_column(b, rows) : g->outside;
}

// The sums of one pixel from the three columns of its window; shift 1 is the lower of two pixels.
RB_DOTPROD void add_window(const group *g, int32_t shift, column c0, column c1, column c2, int32x4_t sums[2]) {
    RB_UNROLL
    for (int32_t half = 0; half < 2; half++) {
        sums[half] = vdotq_s32(g->bias[half], g->weights[shift][0][half], c0.half[half]);
        sums[half] = vdotq_s32(sums[half], g->weights[shift][1][half], c1.half[half]);
        sums[half] = vdotq_s32(sums[half], g->weights[shift][2][half], c2.half[half]);
    }
}

RB_INLINE void store(const group *g, const int32x4_t sums[4], int8_t **first, int64_t first_step, int8_t **second,
                     int64_t second_step, variant v) {
    float32x4_t values[4];
    rb_scale(&g->requantization, sums, values);
    const int8x16_t bytes = rb_round_and_clamp(&g->requantization, values, v.relu);
    if (v.whole) {
        store_next(first, first_step, bytes, false);
        store_next(second, second_step, bytes, true);
    } else {
        int8_t copy[16];
        vst1q_s8(copy, bytes);
        rb_copy_some(*first, copy, g->channels);
        *first += first_step;
        rb_copy_some(*second, copy + 8, g->channels);
        *second += second_step;
    }
}

RB_DOTPROD void add_pair(band *b, const group *g, column c0, column c1, column c2, variant v) {
    int32x4_t sums[4];
    add_window(g, 0, c0, c1, c2, sums);
    add_window(g, 1, c0, c1, c2, sums + 2);
    store(g, sums, &b->outputs[0], b->output_steps[0], &b->outputs[1], b->output_steps[1], v);
}

// Two output rows. Columns take turns in three places, so that none is moved.
RB_DOTPROD void run_stride1(const rb_conv_shape *s, band b, const group *g, variant v) {
    const int32_t left = s->padding_left, width = s->input.width, outputs = s->output.width;
    column c0 = column_at(&b, g, -left, width, 4), c1 = column_at(&b, g, 1 - left, width, 4), c2;
    int32_t x = 0;
    for (; x + 3 <= outputs && x + 4 - left < width && x + 2 - left >= 0; x += 3) {
        c2 = next_column(&b, 4);
        add_pair(&b, g, c0, c1, c2, v);
        c0 = next_column(&b, 4);
        add_pair(&b, g, c1, c2, c0, v);
        c1 = next_column(&b, 4);
        add_pair(&b, g, c2, c0, c1, v);
    }
    for (; x < outputs; x++, c0 = c1, c1 = c2) {
        c2 = column_at(&b, g, x + 2 - left, width, 4);
        add_pair(&b, g, c0, c1, c2, v);
    }
}

// One output row, two pixels at a time.
RB_DOTPROD void run_stride2(const rb_conv_shape *s, band b, const group *g, variant v) {
    const int32_t left = s->padding_left, width = s->input.width, outputs = s->output.width;
    column c[5];
    c[4] = column_at(&b, g, -left, width, 3);
    for (int32_t x = 0; x < outputs; x += 2) {
        const int32_t first = 2 * x - left;
        const bool inside = first + 1 >= 0 && first + 4 < width;
        c[0] = c[4];
        RB_UNROLL
        for (int32_t i = 1; i < 5; i++) {
            c[i] = inside ? next_column(&b, 3) : column_at(&b, g, first + i, width, 3);
        }
        int32x4_t sums[4];
        add_window(g, 0, c[0], c[1], c[2], sums);
        add_window(g, 0, c[2], c[3], c[4], sums + 2);
        int8_t nowhere[8], *second = x + 1 < outputs ? b.outputs[0] + b.output_steps[0] : nowhere;
        store(g, sums, &b.outputs[0], 2 * b.output_steps[0], &second, 0, v);
    }
}

// The rows of the output rows from y on, at channel 0.
static band band_of(const rb_conv *conv, int32_t y) {
    const rb_conv_shape *s = &conv->shape;
    const int8_t *zero_points = (const int8_t *)conv->scratch;
    int8_t *nowhere = (int8_t *)conv->scratch + rb_depthwise_rows_workspace_of(s).nowhere;
    band b;
    for (int32_t row = 0; row < 4; row++) {
        const int32_t input_y = y * s->stride_y - s->padding_top + row;
        const bool exists = input_y >= 0 && input_y < s->input.height;
        b.inputs[row] = exists ? (const int8_t *)conv->input + rb_pixel_offset(&s->input, input_y, 0) : zero_points;
        b.input_steps[row] = exists ? s->input.pixel_stride : 0;
    }
    for (int32_t row = 0; row < 2; row++) {
        const bool exists = y + row < s->output.height;
        b.outputs[row] = exists ? (int8_t *)conv->output + rb_pixel_offset(&s->output, y + row, 0) : nowhere;
        b.output_steps[row] = exists ? s->output.pixel_stride : 0;
    }
    return b;
}

RB_DOTPROD group group_of(const rb_conv_shape *s, const rb_dw8r4 *packed, int32_t channels) {
    const int8x16_t zero_point = vdupq_n_s8((int8_t)(s->input.zero_point - 128));
    const float32x4_t multiplier[2] = {vld1q_f32(packed->multiplier), vld1q_f32(packed->multiplier + 4)};
    group g = {
        .bias = {vld1q_s32(packed->bias), vld1q_s32(packed->bias + 4)},
        .requantization =
            {
                .multiplier = {multiplier[0], multiplier[1], multiplier[0], multiplier[1]},
                .zero_point = vdupq_n_s16((int16_t)(s->output.zero_point - 128)),
                .low = vdupq_n_s8((int8_t)(s->output_min - 128)),
                .high = vdupq_n_s8((int8_t)(s->output_max - 128)),
                .relu = rb_is_relu(s),
            },
        .outside = {{zero_point, zero_point}},
        .channels = channels,
    };
    RB_UNROLL
    for (int32_t i = 0; i < 12; i++) {
        g.weights[i / 6][i / 2 % 3][i % 2] = vld1q_s8(packed->weights + 16 * i);
    }
    return g;
}

RB_DOTPROD void run_row(const rb_conv_shape *s, band b, const group *g, int32_t stride, variant v) {
    if (stride == 1) {
        run_stride1(s, b, g, v);
    } else {
        run_stride2(s, b, g, v);
    }
}

// Every group of eight channels of a band.
RB_DOTPROD void run_band(const rb_conv *conv, band b, int32_t stride) {
    const rb_conv_shape *s = &conv->shape;
    const rb_dw8r4 *packed = conv->packed;
    for (int32_t channel = 0; channel < s->output.channels; channel += RB_DW8R4_CHANNELS, packed++) {
        const group g = group_of(s, packed, s->output.channels - channel);
        if (g.channels < RB_DW8R4_CHANNELS) {
            run_row(s, b, &g, stride, (variant){false, false});
        } else if (g.requantization.relu) {
            run_row(s, b, &g, stride, (variant){true, true});
        } else {
            run_row(s, b, &g, stride, (variant){true, false});
        }
        RB_UNROLL
        for (int32_t row = 0; row < 4; row++) {
            b.inputs[row] += RB_DW8R4_CHANNELS;
        }
        b.outputs[0] += RB_DW8R4_CHANNELS;
        b.outputs[1] += RB_DW8R4_CHANNELS;
    }
}

__attribute__((target("dotprod"))) static void run_depthwise_stride1(const rb_conv *conv, const band *b) {
    run_band(conv, *b, 1);
}

__attribute__((target("dotprod"))) static void run_depthwise_stride2(const rb_conv *conv, const band *b) {
    run_band(conv, *b, 2);
}

void depthwise_u8s8_2x8r4__dotprod(const rb_conv *conv) {
    const rb_conv_shape *s = &conv->shape;
    memset(conv->scratch, s->input.zero_point ^ conv->flip, rb_round_up((size_t)s->input.channels, RB_DW8R4_CHANNELS));
    const int32_t together = s->stride_y == 1 ? 2 : 1; // output rows
    const rb_range bands = rb_share((s->output.height + together - 1) / together, conv->part, conv->parts);
    for (int32_t i = bands.begin; i < bands.end; i++) {
        const band b = band_of(conv, i * together);
        if (together == 2) {
            run_depthwise_stride1(conv, &b);
        } else {
            run_depthwise_stride2(conv, &b);
        }
    }
}
#endif
