// What normalises each pixel over its channels: one implementation for all processors. Sums are whole numbers, so that
// their order does not matter; each pixel then takes one root or division, which every processor rounds alike.
#include "../clones.h"
#include <math.h>

// The loops read nothing but what they declare: a store of bytes could be one of a field.
RB_INLINE uint8_t rounded(float value, int32_t zero_point, uint8_t flip) {
    return (uint8_t)(rb_round_clamped(value, (float)-zero_point, (float)(255 - zero_point)) + zero_point) ^ flip;
}

RB_INLINE void softmax(const rb_group_softmax *s, const uint8_t *input, int32_t count, const uint8_t flip,
                       uint8_t *output) {
    int32_t largest = 0;
    for (int32_t c = 0; c < count; c++) {
        const int32_t q = input[c] ^ flip;
        largest = q > largest ? q : largest;
    }
    uint32_t sum = 0; // of up to 65535 numbers up to 65536
    for (int32_t c = 0; c < count; c++) {
        sum += s->table[largest - (input[c] ^ flip)];
    }
    const float factor = s->multiplier / (float)sum;
    const int32_t zero = s->output.zero_point;
    for (int32_t c = 0; c < count; c++) {
        const float e = (float)s->table[largest - (input[c] ^ flip)];
        output[c] = rounded(e * factor, zero, flip);
    }
}

RB_INLINE void softmax_pixels(const rb_group_softmax *s, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(s->path);
    const int32_t count = s->output.channels / s->groups;
    const rb_range pixels = rb_share(s->output.height * s->output.width, part, parts);
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        const uint8_t *input = s->input_data + (size_t)p * (size_t)s->input.pixel_stride;
        uint8_t *output = s->output_data + (size_t)p * (size_t)s->output.pixel_stride;
        for (int32_t c = 0; c < s->output.channels; c += count) {
            softmax(s, input + c, count, flip, output + c);
        }
    }
}

RB_CLONES(rb_group_softmax, softmax_pixels)

RB_INLINE void normalise_pixels(const rb_layer_norm *n, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(n->path);
    const int32_t channels = n->output.channels, zero = n->output.zero_point;
    const float *weights = n->weights, *bias = n->bias;
    const rb_range pixels = rb_share(n->output.height * n->output.width, part, parts);
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        const uint8_t *input = n->input_data + (size_t)p * (size_t)n->input.pixel_stride;
        uint8_t *output = n->output_data + (size_t)p * (size_t)n->output.pixel_stride;
        uint32_t sum = 0, squares = 0; // of up to 65535 bytes
        for (int32_t c = 0; c < channels; c++) {
            const uint32_t q = input[c] ^ flip;
            sum += q;
            squares += q * q;
        }
        const int64_t spread = (int64_t)channels * squares - (int64_t)sum * sum;
        const float inverse = 1.0f / sqrtf((float)spread + n->epsilon);
        for (int32_t c = 0; c < channels; c++) {
            const int32_t distance = channels * (input[c] ^ flip) - (int32_t)sum;
            const float value = (float)distance * inverse * weights[c] + bias[c];
            output[c] = rounded(value, zero, flip);
        }
    }
}

RB_CLONES(rb_layer_norm, normalise_pixels)

RB_INLINE void divide_by_length(const rb_l2_norm *n, const uint8_t *input, int32_t count, const uint8_t flip,
                                uint8_t *output) {
    const int32_t zero = n->input.zero_point, output_zero = n->output.zero_point;
    uint32_t squares = 0; // of up to 65535 numbers up to 255
    for (int32_t c = 0; c < count; c++) {
        const int32_t q = (input[c] ^ flip) - zero;
        squares += (uint32_t)(q * q);
    }
    const float length = sqrtf((float)squares);
    const float factor = n->multiplier / (length > n->least ? length : n->least);
    for (int32_t c = 0; c < count; c++) {
        output[c] = rounded((float)((input[c] ^ flip) - zero) * factor, output_zero, flip);
    }
}

RB_INLINE void divide_pixels(const rb_l2_norm *n, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(n->path);
    const int32_t count = n->output.channels / n->groups;
    const rb_range pixels = rb_share(n->output.height * n->output.width, part, parts);
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        const uint8_t *input = n->input_data + (size_t)p * (size_t)n->input.pixel_stride;
        uint8_t *output = n->output_data + (size_t)p * (size_t)n->output.pixel_stride;
        for (int32_t c = 0; c < n->output.channels; c += count) {
            divide_by_length(n, input + c, count, flip, output + c);
        }
    }
}

RB_CLONES(rb_l2_norm, divide_pixels)
