#include "../conv.h"
#include <math.h>

// One accumulator of the convolution: output pixel (y, x), output channel o. See rb_conv for the formula.
static int32_t accumulate(const rb_conv *conv, int32_t y, int32_t x, int32_t o) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t group_inputs = s->input.channels / s->groups;
    const int32_t group = o / (s->output.channels / s->groups);
    const int8_t *weight = conv->weights + (size_t)o * s->kernel_height * s->kernel_width * group_inputs;
    int32_t sum = conv->bias[o];
    for (int32_t ky = 0; ky < s->kernel_height; ky++) {
        for (int32_t kx = 0; kx < s->kernel_width; kx++, weight += group_inputs) {
            const int32_t input_y = y * s->stride_y - s->padding_top + ky * s->dilation_y;
            const int32_t input_x = x * s->stride_x - s->padding_left + kx * s->dilation_x;
            if (input_y < 0 || input_y >= s->input.height || input_x < 0 || input_x >= s->input.width) {
                continue;
            }
            const uint8_t *pixel = conv->input + rb_pixel_offset(&s->input, input_y, input_x) + group * group_inputs;
            for (int32_t i = 0; i < group_inputs; i++) {
                sum += weight[i] * ((pixel[i] ^ conv->flip) - s->input.zero_point);
            }
        }
    }
    return sum;
}

// What the residual adds to output pixel (y, x), channel o, in units of the output's scale.
static float residual_term(const rb_conv *conv, int32_t y, int32_t x, int32_t o) {
    const rb_conv_shape *s = &conv->shape;
    const int32_t channel = o - s->residual_channel_offset;
    if (s->residual.height == 0 || channel < 0 || channel >= s->residual.channels) {
        return 0.0f;
    }
    const size_t pixel = rb_pixel_offset(&s->residual, y * s->residual_step, x * s->residual_step);
    const int32_t q = conv->residual[pixel + channel] ^ conv->flip;
    return (float)(q - s->residual.zero_point) * s->residual_multiplier;
}

static uint8_t requantize(float value, const rb_conv_shape *s) {
    const float low = (float)(s->output_min - s->output.zero_point);
    const float high = (float)(s->output_max - s->output.zero_point);
    const float clamped = value < low ? low : value > high ? high : value;
    return (uint8_t)((int32_t)rintf(clamped) + s->output.zero_point);
}

void conv_u8s8__reference(const rb_conv *conv) {
    const rb_conv_shape *s = &conv->shape;
    const rb_range rows = rb_share(s->output.height, conv->part, conv->parts);
    for (int32_t y = rows.begin; y < rows.end; y++) {
        for (int32_t x = 0; x < s->output.width; x++) {
            uint8_t *pixel = conv->output + rb_pixel_offset(&s->output, y, x);
            for (int32_t o = 0; o < s->output.channels; o++) {
                const float product = (float)accumulate(conv, y, x, o) * conv->multiplier[o];
                pixel[o] = requantize(product + residual_term(conv, y, x, o), s) ^ conv->flip;
            }
        }
    }
}
