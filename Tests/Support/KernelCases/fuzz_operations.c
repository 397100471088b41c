// Random operations other than convolutions, each against its formula in kernels.h, worked value by value.
#include "fuzz.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_VALUES = 1 << 16, MOST_EXTENT = 65535, MOST_STEP = 255 };

rb_shape rb_wild_tensor(rb_random *random) {
    rb_shape s;
    do {
        s = rb_random_shape(random, rb_random_size(random, MOST_EXTENT), rb_random_size(random, MOST_EXTENT),
                            rb_random_size(random, 2048));
    } while ((int64_t)s.height * s.width * s.pixel_stride > MOST_VALUES);
    return s;
}

rb_shape rb_of_size(rb_random *random, const rb_shape *s) {
    return rb_random_shape(random, s->height, s->width, s->channels);
}

uint8_t *rb_filled(rb_random *random, const rb_guarded *region, const rb_shape *s, bool at_front) {
    uint8_t *bytes = rb_guarded_place(region, rb_readable_bytes(s), at_front);
    rb_fill_bytes(random, bytes, rb_readable_bytes(s));
    return bytes;
}

float rb_wild_multiplier(rb_random *random) {
    const int32_t exponent =
        rb_random_in(random, 0, 3) == 0 ? rb_random_in(random, -120, 120) : rb_random_in(random, -12, 2);
    return ldexpf((float)rb_random_in(random, 1 << 14, (1 << 15) - 1), exponent - 15);
}

uint8_t rb_rounded(float value, int32_t low, int32_t high, int32_t zero_point) {
    const float least = (float)(low - zero_point), most = (float)(high - zero_point);
    const float clamped = value < least ? least : value > most ? most : value;
    return (uint8_t)((int32_t)nearbyintf(clamped) + zero_point);
}

rb_outcome rb_outcome_of(const rb_regions *r, size_t bytes, bool at_front) {
    const rb_outcome o = {rb_guarded_place(&r->expected, bytes, at_front),
                          rb_guarded_place(&r->output, bytes, at_front), bytes};
    memset(o.expected, 0xA5, bytes);
    memset(o.output, 0xA5, bytes);
    return o;
}

void rb_run_in_shares(rb_fuzz *f, rb_part_function run, void *work) {
    const int32_t parts = rb_random_in(&f->random, 1, RB_MOST_THREADS);
    for (int32_t part = parts - 1; part >= 0; part--) {
        run(work, part, parts, 0);
    }
}

const char *rb_verdict(rb_outcome o) {
    return memcmp(o.expected, o.output, o.bytes) == 0 ? NULL : "differs from its formula";
}

typedef struct {
    int32_t kernel_height, kernel_width, stride_y, stride_x, padding_top, padding_left;
} pooling_window;

static pooling_window wild_window(rb_random *random) {
    const int32_t side = rb_random_in(random, 0, 3) == 0 ? MOST_STEP : 5;
    const int32_t padding = rb_random_in(random, 0, 3) == 0 ? MOST_EXTENT : 3;
    return (pooling_window){rb_random_size(random, side),        rb_random_size(random, side),
                            rb_random_size(random, side),        rb_random_size(random, side),
                            rb_random_size(random, padding) - 1, rb_random_size(random, padding) - 1};
}

// An output of any size for a window over the input that takes no endless time.
static rb_shape pooled(rb_random *random, const rb_shape *input, const pooling_window *w) {
    const int64_t positions = (int64_t)w->kernel_height * w->kernel_width;
    rb_shape s;
    int64_t pixels;
    do {
        s = rb_random_shape(random, rb_random_size(random, 64), rb_random_size(random, 64), input->channels);
        pixels = (int64_t)s.height * s.width;
    } while (pixels > 1 &&
             (pixels * s.pixel_stride > MOST_VALUES || pixels * s.channels * positions > 16 * MOST_VALUES));
    return s;
}

// The input channel under a position of the window, or -1 outside.
static int32_t value_under(const uint8_t *data, const rb_shape *s, int32_t y, int32_t x, int32_t c, uint8_t flip) {
    if (y < 0 || y >= s->height || x < 0 || x >= s->width) {
        return -1;
    }
    return data[rb_pixel_offset(s, y, x) + (size_t)c] ^ flip;
}

typedef struct {
    int32_t largest, sum, inside;
} window_values;

static window_values values_of(const uint8_t *data, const rb_shape *input, const pooling_window *w, int32_t y,
                               int32_t x, int32_t c, uint8_t flip) {
    window_values v = {0, 0, 0};
    for (int32_t ky = 0; ky < w->kernel_height; ky++) {
        for (int32_t kx = 0; kx < w->kernel_width; kx++) {
            const int32_t q = value_under(data, input, y * w->stride_y - w->padding_top + ky,
                                          x * w->stride_x - w->padding_left + kx, c, flip);
            if (q >= 0) {
                v.largest = q > v.largest ? q : v.largest;
                v.sum += q - input->zero_point;
                v.inside++;
            }
        }
    }
    return v;
}

static const char *fuzz_pooling(rb_fuzz *f, bool average, char *text, size_t room) {
    rb_random *random = &f->random;
    const rb_shape input = rb_wild_tensor(random);
    const pooling_window w = wild_window(random);
    rb_shape output = pooled(random, &input, &w);
    output.zero_point = average ? output.zero_point : input.zero_point;
    const bool counts_padding = rb_random_in(random, 0, 1);
    const float multiplier = rb_wild_multiplier(random);
    const uint8_t flip = f->flip;
    int32_t used = snprintf(text, room, "%s: ", average ? "average pooling" : "max pooling");
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    used += rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    snprintf(text + used, room - (size_t)used, "kernel %dx%d, stride %dx%d, padding %d,%d, multiplier %a",
             w.kernel_height, w.kernel_width, w.stride_y, w.stride_x, w.padding_top, w.padding_left,
             (double)multiplier);
    const uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    for (int32_t y = 0; y < output.height; y++) {
        for (int32_t x = 0; x < output.width; x++) {
            for (int32_t c = 0; c < output.channels; c++) {
                const window_values v = values_of(data, &input, &w, y, x, c, flip);
                const int32_t count = counts_padding ? w.kernel_height * w.kernel_width : v.inside == 0 ? 1 : v.inside;
                const float mean = (float)v.sum * (multiplier / (float)count);
                o.expected[rb_pixel_offset(&output, y, x) + (size_t)c] =
                    (average ? rb_rounded(mean, 0, 255, output.zero_point) : (uint8_t)v.largest) ^ flip;
            }
        }
    }
    rb_pool pool = {input,      output,        w.kernel_height, w.kernel_width, w.stride_y,
                    w.stride_x, w.padding_top, w.padding_left,  counts_padding, multiplier,
                    data,       o.output,      f->path};
    rb_run_in_shares(f, average ? rb_average_pool_run : rb_max_pool_run, &pool);
    return rb_verdict(o);
}

const char *rb_fuzz_max_pool(rb_fuzz *f, char *text, size_t room) {
    return fuzz_pooling(f, false, text, room);
}

const char *rb_fuzz_average_pool(rb_fuzz *f, char *text, size_t room) {
    return fuzz_pooling(f, true, text, room);
}

const char *rb_fuzz_global_average_pool(rb_fuzz *f, char *text, size_t room) {
    const rb_shape input = rb_wild_tensor(&f->random);
    const float multiplier = rb_wild_multiplier(&f->random);
    rb_describe_shape(text, room, "global average pooling: input", &input);
    const uint8_t *data = rb_filled(&f->random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, (size_t)input.channels * sizeof(float), f->at_front);
    for (int32_t c = 0; c < input.channels; c++) {
        int32_t sum = 0;
        for (int32_t p = 0; p < input.height * input.width; p++) {
            sum += (data[(size_t)p * (size_t)input.pixel_stride + (size_t)c] ^ f->flip) - input.zero_point;
        }
        const float feature = (float)sum * multiplier;
        memcpy(o.expected + (size_t)c * sizeof feature, &feature, sizeof feature);
    }
    rb_global_average_pool pool = {input, multiplier, data, (float *)o.output, f->path};
    rb_run_in_shares(f, rb_global_average_pool_run, &pool);
    return rb_verdict(o);
}

const char *rb_fuzz_lookup(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    const rb_shape input = rb_wild_tensor(random);
    const bool in_place = rb_random_in(random, 0, 3) == 0;
    const rb_shape output = in_place ? input : rb_of_size(random, &input);
    int32_t used = snprintf(text, room, "look-up table%s: ", in_place ? " in place" : "");
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    uint8_t *table = rb_guarded_place(&f->regions.weights, 256, f->at_front);
    rb_fill_bytes(random, table, 256);
    uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    if (in_place) {
        memcpy(o.output, data, o.bytes);
        memcpy(o.expected, data, o.bytes);
    }
    for (int32_t p = 0; p < input.height * input.width; p++) {
        for (int32_t c = 0; c < input.channels; c++) {
            const uint8_t q = data[(size_t)p * (size_t)input.pixel_stride + (size_t)c] ^ f->flip;
            o.expected[(size_t)p * (size_t)output.pixel_stride + (size_t)c] = table[q] ^ f->flip;
        }
    }
    rb_lookup lookup = {input, output, table, in_place ? o.output : data, o.output, f->path};
    rb_run_in_shares(f, rb_lookup_run, &lookup);
    return rb_verdict(o);
}

const char *rb_fuzz_multiply(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    const rb_shape input = rb_wild_tensor(random);
    const bool is_gate = rb_random_in(random, 0, 1);
    const rb_shape factor = is_gate ? rb_random_shape(random, 1, 1, input.channels) : rb_of_size(random, &input);
    const rb_shape output = rb_of_size(random, &input);
    const int32_t low = rb_random_in(random, 0, 255), high = rb_random_in(random, low, 255);
    const float multiplier = rb_wild_multiplier(random);
    int32_t used = snprintf(text, room, "product, clamp %d...%d, multiplier %a: ", low, high, (double)multiplier);
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    used += rb_describe_shape(text + used, room - (size_t)used, "factor", &factor);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    const uint8_t *a = rb_filled(random, &f->regions.input, &input, f->at_front);
    const uint8_t *b = rb_filled(random, &f->regions.residual, &factor, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    for (int32_t p = 0; p < input.height * input.width; p++) {
        for (int32_t c = 0; c < input.channels; c++) {
            const size_t channel = (size_t)c, under = is_gate ? 0 : (size_t)p * (size_t)factor.pixel_stride;
            const int32_t x = (a[(size_t)p * (size_t)input.pixel_stride + channel] ^ f->flip) - input.zero_point;
            const int32_t y = (b[under + channel] ^ f->flip) - factor.zero_point;
            o.expected[(size_t)p * (size_t)output.pixel_stride + channel] =
                rb_rounded((float)(x * y) * multiplier, low, high, output.zero_point) ^ f->flip;
        }
    }
    rb_multiply product = {input, factor, output, low, high, multiplier, a, b, o.output, f->path};
    rb_run_in_shares(f, rb_multiply_run, &product);
    return rb_verdict(o);
}
