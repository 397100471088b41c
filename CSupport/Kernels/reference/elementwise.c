// What is done to each value by itself: one implementation for all processors. The inner loops run over the channels of
// a pixel, so that a compiler makes vectors of them.
#include "../conv.h"

void rb_lookup_run(const rb_lookup *lookup) {
    const rb_shape *shape = &lookup->output;
    for (int32_t y = 0; y < shape->height; y++) {
        for (int32_t x = 0; x < shape->width; x++) {
            const uint8_t *input = lookup->input_data + rb_pixel_offset(&lookup->input, y, x);
            uint8_t *output = lookup->output_data + rb_pixel_offset(shape, y, x);
            for (int32_t c = 0; c < shape->channels; c++) {
                output[c] = lookup->table[input[c] ^ lookup->flip] ^ lookup->flip;
            }
        }
    }
}

// One pixel's products.
static void multiply_channels(const rb_multiply *product, const uint8_t *a, const uint8_t *b, uint8_t *output) {
    const int32_t zero_a = product->input.zero_point, zero_b = product->factor.zero_point;
    const int32_t zero = product->output.zero_point;
    const float low = (float)(product->output_min - zero), high = (float)(product->output_max - zero);
    for (int32_t c = 0; c < product->output.channels; c++) {
        const int32_t integer = ((a[c] ^ product->flip) - zero_a) * ((b[c] ^ product->flip) - zero_b);
        const float value = (float)integer * product->multiplier;
        output[c] = (uint8_t)(rb_round_clamped(value, low, high) + zero) ^ product->flip;
    }
}

void rb_multiply_run(const rb_multiply *product) {
    const rb_shape *shape = &product->output;
    const bool is_gate = product->factor.height == 1 && product->factor.width == 1;
    for (int32_t y = 0; y < shape->height; y++) {
        for (int32_t x = 0; x < shape->width; x++) {
            const size_t factor = is_gate ? 0 : rb_pixel_offset(&product->factor, y, x);
            multiply_channels(product, product->input_data + rb_pixel_offset(&product->input, y, x),
                              product->factor_data + factor, product->output_data + rb_pixel_offset(shape, y, x));
        }
    }
}
