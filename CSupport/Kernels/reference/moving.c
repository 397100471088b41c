// What moves numbers without computing, or hardly: one implementation for all processors. The inner loops run over the
// channels of a pixel, so that a compiler makes vectors of them.
#include "../clones.h"
#include <string.h>

// Counts through steps, the last one fastest, and keeps where in the input that leads.
typedef struct {
    const rb_rearrange_step *steps;
    int32_t count;
    int32_t index[RB_MOST_REARRANGE_STEPS];
    int64_t pixel, channel;
} walk;

static void step_by(walk *w, const rb_rearrange_step *step, int64_t times) {
    w->pixel += times * step->pixels;
    w->channel += times * step->channels;
}

// Where `number` of the indices that the steps count lies.
static walk walk_to(const rb_rearrange_step *steps, int32_t count, int32_t number) {
    walk w = {.steps = steps, .count = count};
    for (int32_t s = count - 1; s >= 0; s--) {
        w.index[s] = number % steps[s].count;
        number /= steps[s].count;
        step_by(&w, &steps[s], w.index[s]);
    }
    return w;
}

static void advance(walk *w) {
    for (int32_t s = w->count - 1; s >= 0; s--) {
        step_by(w, &w->steps[s], 1);
        if (++w->index[s] < w->steps[s].count) {
            return;
        }
        step_by(w, &w->steps[s], -(int64_t)w->index[s]);
        w->index[s] = 0;
    }
}

// One pixel's channels: those of the last step lie at equal distances.
static void rearrange_pixel(const rb_rearrange *r, int64_t pixel, int64_t channel, uint8_t *output) {
    const rb_rearrange_step *steps = r->steps + r->pixel_steps;
    const int32_t outer = r->channel_steps > 0 ? r->channel_steps - 1 : 0;
    const rb_rearrange_step one = {1, 0, 0}, *last = r->channel_steps > 0 ? &steps[outer] : &one;
    const int64_t stride = r->input.pixel_stride, distance = last->pixels * stride + last->channels;
    walk w = walk_to(steps, outer, 0);
    for (int32_t done = 0; done < r->output.channels; done += last->count, advance(&w)) {
        const uint8_t *source = r->input_data + (pixel + w.pixel) * stride + channel + w.channel;
        if (distance == 1) {
            memcpy(output + done, source, (size_t)last->count);
            continue;
        }
        for (int32_t c = 0; c < last->count; c++) {
            output[done + c] = source[c * distance];
        }
    }
}

void rb_rearrange_run(void *work, int32_t part, int32_t parts, int32_t thread) {
    (void)thread;
    const rb_rearrange *r = work;
    const rb_range pixels = rb_share(r->output.height * r->output.width, part, parts);
    walk w = walk_to(r->steps, r->pixel_steps, pixels.begin);
    for (int32_t p = pixels.begin; p < pixels.end; p++, advance(&w)) {
        rearrange_pixel(r, w.pixel, w.channel, r->output_data + (size_t)p * (size_t)r->output.pixel_stride);
    }
}

enum { WHOLE_WEIGHT = 2048, PRODUCT_BITS = 22 };

/*@ requires 0 <= channels && \valid_read(pixels + (0 .. 3)) && \valid_read(weights + (0 .. 3));
  requires \forall integer i; 0 <= i < 4 ==> 0 <= weights[i] && \valid_read(pixels[i] + (0 .. channels - 1));
  requires weights[0] + weights[1] + weights[2] + weights[3] == 1 << PRODUCT_BITS;
  requires \valid(output + (0 .. channels - 1));
  requires \separated(output + (0 .. channels - 1), pixels + (0 .. 3), weights + (0 .. 3));
  assigns output[0 .. channels - 1]; */
RB_INLINE void mix_channels(const uint8_t *const pixels[4], const int32_t weights[4], int32_t channels,
                            const uint8_t flip, uint8_t *output) {
    const uint8_t *a = pixels[0], *b = pixels[1], *c = pixels[2], *d = pixels[3];
    const int32_t above_left = weights[0], above_right = weights[1], below_left = weights[2], below_right = weights[3];
    /*@ loop invariant 0 <= i <= channels;
      loop assigns i, output[0 .. channels - 1];
      loop variant channels - i; */
    for (int32_t i = 0; i < channels; i++) {
        const uint8_t qa = a[i] ^ flip, qb = b[i] ^ flip, qc = c[i] ^ flip, qd = d[i] ^ flip;
        //@ ghost product_within(qa, above_left, 255, above_left);
        //@ ghost product_within(qb, above_right, 255, above_right);
        //@ ghost product_within(qc, below_left, 255, below_left);
        //@ ghost product_within(qd, below_right, 255, below_right);
        const int32_t sum = qa * above_left + qb * above_right + qc * below_left + qd * below_right;
        output[i] = (uint8_t)((sum + (1 << (PRODUCT_BITS - 1))) >> PRODUCT_BITS) ^ flip;
    }
}

RB_INLINE void resample_rows(const rb_resample *r, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(r->path);
    const rb_range rows = rb_share(r->output.height, part, parts);
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const rb_resample_tap row = r->rows[y];
        for (int32_t x = 0; x < r->output.width; x++) {
            const rb_resample_tap column = r->columns[x];
            const uint8_t *const pixels[4] = {
                r->input_data + rb_pixel_offset(&r->input, row.first, column.first),
                r->input_data + rb_pixel_offset(&r->input, row.first, column.second),
                r->input_data + rb_pixel_offset(&r->input, row.second, column.first),
                r->input_data + rb_pixel_offset(&r->input, row.second, column.second),
            };
            const int32_t above = WHOLE_WEIGHT - row.weight, left = WHOLE_WEIGHT - column.weight;
            const int32_t weights[4] = {above * left, above * column.weight, row.weight * left,
                                        row.weight * column.weight};
            uint8_t *output = r->output_data + rb_pixel_offset(&r->output, y, x);
            if (row.weight == 0 && column.weight == 0) {
                memcpy(output, pixels[0], (size_t)r->output.channels);
            } else {
                mix_channels(pixels, weights, r->output.channels, flip, output);
            }
        }
    }
}

RB_CLONES(rb_resample, resample_rows)
