// Random operations of networks with attention, and what moves numbers, each against its formula in kernels.h, worked
// value by value.
#include "fuzz.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_EXTENT = 65535, WHOLE_WEIGHT = 2048 };

// The output's value at pixel p, channel c.
static uint8_t *at(uint8_t *data, const rb_shape *s, int32_t p, int32_t c) {
    return data + (size_t)p * (size_t)s->pixel_stride + (size_t)c;
}

static int32_t value_at(const uint8_t *data, const rb_shape *s, int32_t p, int32_t c, uint8_t flip) {
    return data[(size_t)p * (size_t)s->pixel_stride + (size_t)c] ^ flip;
}

static int32_t pixels_of(const rb_shape *s) {
    return s->height * s->width;
}

// Up to `most` steps whose counts multiply to `*total`, at least 1 and at most `limit`.
static int32_t wild_steps(rb_random *random, rb_rearrange_step *steps, int32_t limit, int32_t *total) {
    const int32_t count = rb_random_in(random, 0, RB_MOST_REARRANGE_STEPS);
    *total = 1;
    for (int32_t i = 0; i < count; i++) {
        steps[i] = (rb_rearrange_step){.count = rb_random_size(random, limit / *total)};
        *total *= steps[i].count;
    }
    return count;
}

const char *rb_fuzz_rearrange(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    rb_rearrange_step steps[2 * RB_MOST_REARRANGE_STEPS];
    int32_t pixels, channels;
    const int32_t pixel_steps = wild_steps(random, steps, 256, &pixels);
    const int32_t channel_steps = wild_steps(random, steps + pixel_steps, 256, &channels);
    const rb_shape input = rb_wild_tensor(random), output = rb_random_shape(random, 1, pixels, channels);
    // What is left of the input to go further by, so that the last number is one of its numbers.
    int32_t pixels_left = pixels_of(&input) - 1, channels_left = input.channels - 1;
    for (int32_t i = 0; i < pixel_steps + channel_steps; i++) {
        const int32_t last = steps[i].count - 1;
        steps[i].pixels = last == 0 ? rb_random_in(random, 0, 1 << 20) : rb_random_in(random, 0, pixels_left / last);
        steps[i].channels = last == 0 ? rb_random_in(random, 0, 4) : rb_random_in(random, 0, channels_left / last);
        pixels_left -= last * steps[i].pixels;
        channels_left -= last * steps[i].channels;
    }
    int32_t used = snprintf(text, room, "rearrangement, %d and %d steps: ", pixel_steps, channel_steps);
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    const uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    for (int32_t p = 0; p < pixels; p++) {
        for (int32_t c = 0; c < channels; c++) {
            int64_t pixel = 0, channel = 0;
            for (int32_t i = pixel_steps + channel_steps - 1, rest_p = p, rest_c = c; i >= 0; i--) {
                int32_t *rest = i < pixel_steps ? &rest_p : &rest_c;
                pixel += (int64_t)(*rest % steps[i].count) * steps[i].pixels;
                channel += (int64_t)(*rest % steps[i].count) * steps[i].channels;
                *rest /= steps[i].count;
            }
            *at(o.expected, &output, p, c) = data[pixel * input.pixel_stride + channel];
        }
    }
    rb_rearrange rearrange = {input, output, pixel_steps, channel_steps, steps, data, o.output};
    rb_run_in_shares(f, rb_rearrange_run, &rearrange);
    return rb_verdict(o);
}

static rb_resample_tap *wild_taps(rb_fuzz *f, const rb_guarded *region, int32_t count, int32_t edge) {
    rb_resample_tap *taps = rb_guarded_place(region, (size_t)count * sizeof *taps, f->at_front);
    for (int32_t i = 0; i < count; i++) {
        const bool is_nearest = rb_random_in(&f->random, 0, 2) == 0;
        taps[i] = (rb_resample_tap){rb_random_in(&f->random, 0, edge - 1), rb_random_in(&f->random, 0, edge - 1),
                                    is_nearest ? 0 : rb_random_in(&f->random, 0, WHOLE_WEIGHT)};
    }
    return taps;
}

const char *rb_fuzz_resample(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    const rb_shape input = rb_wild_tensor(random);
    const int32_t side = 2048 / (input.channels + 31) + 1;
    const rb_shape output =
        rb_random_shape(random, rb_random_size(random, side), rb_random_size(random, side), input.channels);
    int32_t used = snprintf(text, room, "resampling: ");
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    const uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    rb_resample_tap *rows = wild_taps(f, &f->regions.bias, output.height, input.height);
    rb_resample_tap *columns = wild_taps(f, &f->regions.multiplier, output.width, input.width);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    for (int32_t p = 0; p < pixels_of(&output); p++) {
        const rb_resample_tap row = rows[p / output.width], column = columns[p % output.width];
        for (int32_t c = 0; c < output.channels; c++) {
            int64_t sum = 1 << 21;
            for (int32_t i = 0; i < 4; i++) {
                const int32_t y = i < 2 ? row.first : row.second, x = i % 2 == 0 ? column.first : column.second;
                const int64_t weight = (i < 2 ? WHOLE_WEIGHT - row.weight : row.weight) *
                                       (int64_t)(i % 2 == 0 ? WHOLE_WEIGHT - column.weight : column.weight);
                sum += weight * value_at(data, &input, y * input.width + x, c, f->flip);
            }
            *at(o.expected, &output, p, c) = (uint8_t)(sum >> 22) ^ f->flip;
        }
    }
    rb_resample resample = {input, output, rows, columns, data, o.output, f->path};
    rb_run_in_shares(f, rb_resample_run, &resample);
    return rb_verdict(o);
}

// A tensor whose channels are so many groups.
static rb_shape wild_groups(rb_random *random, int32_t *groups) {
    *groups = rb_random_size(random, 64);
    const int32_t channels = *groups * rb_random_size(random, rb_random_in(random, 0, 15) == 0 ? 65535 / *groups : 64);
    const int32_t most = 65536 / (channels + 8) + 1;
    return rb_random_shape(random, 1, rb_random_size(random, most), channels);
}

const char *rb_fuzz_group_softmax(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    int32_t groups;
    const rb_shape input = wild_groups(random, &groups), output = rb_of_size(random, &input);
    const float multiplier = ldexpf(1.0f, rb_random_in(random, -40, 40));
    uint32_t *table = rb_guarded_place(&f->regions.weights, 256 * sizeof *table, f->at_front);
    for (int32_t i = 0; i < 256; i++) {
        table[i] = (uint32_t)rb_random_in(random, i == 0, 65536);
    }
    int32_t used = snprintf(text, room, "softmax of %d groups, multiplier %a: ", groups, (double)multiplier);
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    const uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    const int32_t size = input.channels / groups;
    for (int32_t i = 0; i < pixels_of(&input) * groups; i++) {
        const int32_t p = i / groups, first = i % groups * size;
        int32_t largest = 0;
        uint64_t sum = 0;
        for (int32_t c = first; c < first + size; c++) {
            const int32_t q = value_at(data, &input, p, c, f->flip);
            largest = q > largest ? q : largest;
        }
        for (int32_t c = first; c < first + size; c++) {
            sum += table[largest - value_at(data, &input, p, c, f->flip)];
        }
        for (int32_t c = first; c < first + size; c++) {
            const float e = (float)table[largest - value_at(data, &input, p, c, f->flip)];
            *at(o.expected, &output, p, c) =
                rb_rounded(e * (multiplier / (float)sum), 0, 255, output.zero_point) ^ f->flip;
        }
    }
    rb_group_softmax softmax = {input, output, groups, table, multiplier, data, o.output, f->path};
    rb_run_in_shares(f, rb_group_softmax_run, &softmax);
    return rb_verdict(o);
}

const char *rb_fuzz_layer_norm(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    int32_t groups;
    const rb_shape input = wild_groups(random, &groups), output = rb_of_size(random, &input);
    const int32_t n = input.channels;
    const float epsilon = ldexpf(1.0f, rb_random_in(random, -100, 100));
    float *weights = rb_guarded_place(&f->regions.weights, (size_t)n * sizeof *weights, f->at_front);
    float *bias = rb_guarded_place(&f->regions.bias, (size_t)n * sizeof *bias, f->at_front);
    for (int32_t c = 0; c < n; c++) {
        weights[c] = rb_random_float(random, rb_random_in(random, 0, 40));
        bias[c] = rb_random_float(random, rb_random_in(random, 0, 40));
    }
    int32_t used = snprintf(text, room, "layer norm, epsilon %a: ", (double)epsilon);
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    const uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, n), f->at_front);
    for (int32_t p = 0; p < pixels_of(&input); p++) {
        int64_t sum = 0, squares = 0;
        for (int32_t c = 0; c < n; c++) {
            const int64_t q = value_at(data, &input, p, c, f->flip);
            sum += q;
            squares += q * q;
        }
        const float inverse = 1.0f / sqrtf((float)(n * squares - sum * sum) + epsilon);
        for (int32_t c = 0; c < n; c++) {
            const float distance = (float)(n * (int64_t)value_at(data, &input, p, c, f->flip) - sum);
            const float scaled = distance * inverse * weights[c];
            *at(o.expected, &output, p, c) = rb_rounded(scaled + bias[c], 0, 255, output.zero_point) ^ f->flip;
        }
    }
    rb_layer_norm norm = {input, output, epsilon, weights, bias, data, o.output, f->path};
    rb_run_in_shares(f, rb_layer_norm_run, &norm);
    return rb_verdict(o);
}

const char *rb_fuzz_l2_norm(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    int32_t groups;
    const rb_shape input = wild_groups(random, &groups), output = rb_of_size(random, &input);
    const int32_t size = input.channels / groups;
    const float least = ldexpf(1.0f, rb_random_in(random, -40, 40));
    const float multiplier = ldexpf(1.0f, rb_random_in(random, -40, 40));
    int32_t used = snprintf(text, room, "L2 norm of %d groups, least %a, multiplier %a: ", groups, (double)least,
                            (double)multiplier);
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &input);
    rb_describe_shape(text + used, room - (size_t)used, "output", &output);
    const uint8_t *data = rb_filled(random, &f->regions.input, &input, f->at_front);
    const rb_outcome o = rb_outcome_of(&f->regions, rb_tensor_bytes(&output, output.channels), f->at_front);
    for (int32_t i = 0; i < pixels_of(&input) * groups; i++) {
        const int32_t p = i / groups, first = i % groups * size;
        int64_t squares = 0;
        for (int32_t c = first; c < first + size; c++) {
            const int64_t q = value_at(data, &input, p, c, f->flip) - input.zero_point;
            squares += q * q;
        }
        const float factor = multiplier / fmaxf(sqrtf((float)squares), least);
        for (int32_t c = first; c < first + size; c++) {
            const float q = (float)(value_at(data, &input, p, c, f->flip) - input.zero_point);
            *at(o.expected, &output, p, c) = rb_rounded(q * factor, 0, 255, output.zero_point) ^ f->flip;
        }
    }
    rb_l2_norm norm = {input, output, groups, least, multiplier, data, o.output, f->path};
    rb_run_in_shares(f, rb_l2_norm_run, &norm);
    return rb_verdict(o);
}

// A product on every path of this processor, on one of them on threads.
const char *rb_fuzz_matrix_product(rb_fuzz *f, char *text, size_t room) {
    rb_random *random = &f->random;
    const int32_t groups = rb_random_size(random, 40), inner = rb_random_size(random, 200);
    const int32_t columns = rb_random_size(random, 60), rows = rb_random_size(random, 2000 / groups);
    rb_matrix_product product = {
        .input = rb_random_shape(random, 1, columns, groups * inner),
        .factor = rb_random_shape(random, 1, rows, groups * inner),
        .output = rb_random_shape(random, 1, columns, groups * rows),
        .groups = groups,
        .multiplier = rb_wild_multiplier(random),
    };
    product.factor.zero_point = 128;
    int32_t used =
        snprintf(text, room, "matrix product in %d groups, multiplier %a: ", groups, (double)product.multiplier);
    used += rb_describe_shape(text + used, room - (size_t)used, "input", &product.input);
    used += rb_describe_shape(text + used, room - (size_t)used, "factor", &product.factor);
    used += rb_describe_shape(text + used, room - (size_t)used, "output", &product.output);
    const size_t bytes = rb_tensor_bytes(&product.output, product.output.channels);
    if ((size_t)product.input.pixel_stride * (size_t)columns > RB_REGION_BYTES || bytes > RB_REGION_BYTES ||
        (size_t)product.factor.pixel_stride * (size_t)rows > RB_REGION_BYTES) {
        return NULL;
    }
    product.input_data = rb_filled(random, &f->regions.input, &product.input, f->at_front);
    product.factor_data = rb_filled(random, &f->regions.residual, &product.factor, f->at_front);
    const size_t most = rb_matrix_product_most_scratch_bytes(&product);
    for (int32_t path = 0; path < RB_PATH_COUNT; path++) {
        if (!rb_path_available((rb_path)path)) {
            continue;
        }
        product.flip = rb_path_activation_flip((rb_path)path);
        const rb_outcome o = rb_outcome_of(&f->regions, bytes, f->at_front);
        for (int32_t i = 0; i < columns * groups * rows; i++) {
            const int32_t m = i / (groups * rows), c = i % (groups * rows), group = c / rows, n = c % rows;
            int64_t sum = 0;
            for (int32_t k = group * inner; k < (group + 1) * inner; k++) {
                sum += (value_at(product.input_data, &product.input, m, k, product.flip) - product.input.zero_point) *
                       (int64_t)(value_at(product.factor_data, &product.factor, n, k, product.flip) - 128);
            }
            *at(o.expected, &product.output, m, c) =
                rb_rounded((float)sum * product.multiplier, 0, 255, product.output.zero_point) ^ product.flip;
        }
        const size_t scratch_bytes = rb_matrix_product_scratch_bytes((rb_path)path, &product);
        const size_t thread_bytes = rb_matrix_product_thread_scratch_bytes((rb_path)path, &product);
        product.scratch = rb_guarded_place(&f->regions.scratch, scratch_bytes, f->at_front);
        uint8_t *more = rb_guarded_place(&f->regions.more_scratch, thread_bytes * (RB_MOST_THREADS - 1), f->at_front);
        product.output_data = o.output;
        const int32_t parts = f->threads == NULL ? 1 : rb_random_in(random, 1, 2 * RB_MOST_THREADS);
        rb_matrix_product_run((rb_path)path, &product, parts, f->threads, more, thread_bytes);
        if (rb_verdict(o) != NULL || scratch_bytes > most) {
            const size_t end = strlen(text);
            snprintf(text + end, room - end, " on %s in %d shares", rb_path_name(path), parts);
            return scratch_bytes > most ? "needs more scratch memory than the most" : rb_verdict(o);
        }
    }
    return NULL;
}
