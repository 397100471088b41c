#include "float_kernels.h"

double rb_f32_distance_to_bytes(const float *values, const uint8_t *bytes, size_t pixels, size_t channels,
                                size_t pixel_stride, float scale, int zero_point) {
    double sum = 0;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t channel = 0; channel < channels; channel++) {
            double real = (double)scale * (bytes[pixel * pixel_stride + channel] - zero_point);
            double difference = real - (double)values[channel * pixels + pixel];
            sum += difference * difference;
        }
    }
    return sum;
}

size_t rb_saturated_bytes(const uint8_t *bytes, size_t pixels, size_t channels, size_t pixel_stride, int zero_point) {
    size_t count = 0;
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t channel = 0; channel < channels; channel++) {
            uint8_t byte = bytes[pixel * pixel_stride + channel];
            count += byte == 255 || (byte == 0 && zero_point > 0);
        }
    }
    return count;
}
