// What normalises each pixel over its channels: one implementation for all processors. Sums are whole numbers, so that
// their order does not matter; each pixel then takes one root or division, which every processor rounds alike.
#include "../clones.h"
#include "../workspace.h"
#include <math.h>

/*@ // `count` channels of a pixel, in place or apart.
  predicate is_channels(uint8_t *input, uint8_t *output, integer count) =
      1 <= count <= 65535 && \valid_read(input + (0 .. count - 1)) && \valid(output + (0 .. count - 1)) &&
      (input == output || \separated(output + (0 .. count - 1), input + (0 .. count - 1)));
*/

// The loops read nothing but what they declare: a store of bytes could be one of a field.
//@ assigns \nothing;
RB_INLINE uint8_t rounded(float value, int32_t zero_point, uint8_t flip) {
    return (uint8_t)(rb_round_clamped(value, (float)-zero_point, (float)(255 - zero_point)) + zero_point) ^ flip;
}

// Never of a negative number, for which the library would write elsewhere.
//@ assigns \nothing;
RB_INLINE float root(float value) {
    return sqrtf(value);
}

/*@ // Exponentials up to 2^16 of which 65,535 are summed up in 32 bits.
  predicate is_table(uint32_t *table) =
      \valid_read(table + (0 .. 255)) && \forall integer i; 0 <= i <= 255 ==> table[i] <= 65536; */
/*@ requires \valid_read(s) && is_table(s->table) && is_channels(input, output, count);
  requires \separated(output + (0 .. count - 1), s, s->table + (0 .. 255));
  assigns output[0 .. count - 1]; */
RB_INLINE void softmax(const rb_group_softmax *s, const uint8_t *input, int32_t count, const uint8_t flip,
                       uint8_t *output) {
    int32_t largest = 0;
    /*@ loop invariant 0 <= c <= count && 0 <= largest <= 255;
      loop invariant \forall integer i; 0 <= i < c ==> (uint8_t)(input[i] ^ flip) <= largest;
      loop assigns c, largest;
      loop variant count - c; */
    for (int32_t c = 0; c < count; c++) {
        const uint8_t q = input[c] ^ flip;
        largest = q > largest ? q : largest;
    }
    uint32_t sum = 0; // of up to 65535 numbers up to 65536
    /*@ loop invariant 0 <= c <= count && sum <= c * 65536;
      loop assigns c, sum;
      loop variant count - c; */
    for (int32_t c = 0; c < count; c++) {
        const uint8_t q = input[c] ^ flip;
        sum += s->table[largest - q];
    }
    const float factor = s->multiplier / (float)sum;
    const int32_t zero = s->output.zero_point;
    /*@ loop invariant 0 <= c <= count;
      loop invariant \forall integer i; c <= i < count ==> input[i] == \at(input[i], Pre);
      loop assigns c, output[0 .. count - 1];
      loop variant count - c; */
    for (int32_t c = 0; c < count; c++) {
        const uint8_t q = input[c] ^ flip;
        output[c] = rounded((float)s->table[largest - q] * factor, zero, flip);
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

/*@ requires \valid_read(n) && 0 <= n->output.zero_point <= 255 && is_channels(input, output, channels);
  requires \valid_read(n->weights + (0 .. channels - 1)) && \valid_read(n->bias + (0 .. channels - 1));
  requires \separated(output + (0 .. channels - 1), n);
  assigns output[0 .. channels - 1]; */
RB_INLINE void normalise(const rb_layer_norm *n, const uint8_t *input, int32_t channels, const uint8_t flip,
                         uint8_t *output) {
    const int32_t zero = n->output.zero_point;
    const float *weights = n->weights, *bias = n->bias;
    uint32_t sum = 0, squares = 0; // of up to 65535 bytes
    /*@ loop invariant 0 <= c <= channels && sum <= c * 255 && squares <= c * 65025;
      loop assigns c, sum, squares;
      loop variant channels - c; */
    for (int32_t c = 0; c < channels; c++) {
        const uint8_t q = input[c] ^ flip;
        //@ ghost product_within(q, q, 255, 255);
        sum += q;
        squares += (uint32_t)q * q;
    }
    //@ ghost product_within(channels, squares, 65535, 4294967295);
    //@ ghost product_within(sum, sum, 65535 * 255, 65535 * 255);
    const int64_t spread = (int64_t)channels * squares - (int64_t)sum * sum;
    const float inverse = 1.0f / root((float)spread + n->epsilon);
    /*@ loop invariant 0 <= c <= channels;
      loop assigns c, output[0 .. channels - 1];
      loop variant channels - c; */
    for (int32_t c = 0; c < channels; c++) {
        const uint8_t q = input[c] ^ flip;
        //@ ghost product_within(channels, q, 65535, 255);
        const int32_t distance = channels * q - (int32_t)sum;
        const float value = (float)distance * inverse * weights[c] + bias[c];
        output[c] = rounded(value, zero, flip);
    }
}

RB_INLINE void normalise_pixels(const rb_layer_norm *n, int32_t part, int32_t parts) {
    const uint8_t flip = rb_path_activation_flip(n->path);
    const rb_range pixels = rb_share(n->output.height * n->output.width, part, parts);
    for (int32_t p = pixels.begin; p < pixels.end; p++) {
        const uint8_t *input = n->input_data + (size_t)p * (size_t)n->input.pixel_stride;
        uint8_t *output = n->output_data + (size_t)p * (size_t)n->output.pixel_stride;
        normalise(n, input, n->output.channels, flip, output);
    }
}

RB_CLONES(rb_layer_norm, normalise_pixels)

/*@ requires \valid_read(n) && 0 <= n->input.zero_point <= 255 && 0 <= n->output.zero_point <= 255;
  requires is_channels(input, output, count) && \separated(output + (0 .. count - 1), n);
  assigns output[0 .. count - 1]; */
RB_INLINE void divide_by_length(const rb_l2_norm *n, const uint8_t *input, int32_t count, const uint8_t flip,
                                uint8_t *output) {
    const int32_t zero = n->input.zero_point, output_zero = n->output.zero_point;
    uint32_t squares = 0; // of up to 65535 numbers up to 255
    /*@ loop invariant 0 <= c <= count && squares <= c * 65025;
      loop assigns c, squares;
      loop variant count - c; */
    for (int32_t c = 0; c < count; c++) {
        const int32_t q = (uint8_t)(input[c] ^ flip) - zero;
        //@ ghost int32_t magnitude = q < 0 ? -q : q;
        //@ ghost product_within(magnitude, magnitude, 255, 255);
        //@ assert q * q == magnitude * magnitude;
        squares += (uint32_t)(q * q);
    }
    const float length = root((float)squares);
    const float factor = n->multiplier / (length > n->least ? length : n->least);
    /*@ loop invariant 0 <= c <= count;
      loop assigns c, output[0 .. count - 1];
      loop variant count - c; */
    for (int32_t c = 0; c < count; c++) {
        const int32_t q = (uint8_t)(input[c] ^ flip) - zero;
        output[c] = rounded((float)q * factor, output_zero, flip);
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
