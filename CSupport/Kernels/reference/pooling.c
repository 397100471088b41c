#include "../conv.h"

void rb_max_pool_run(const rb_max_pool *pool) {
    for (int32_t y = 0; y < pool->output.height; y++) {
        for (int32_t x = 0; x < pool->output.width; x++) {
            for (int32_t c = 0; c < pool->output.channels; c++) {
                uint8_t best = 0;
                for (int32_t ky = 0; ky < pool->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < pool->kernel_width; kx++) {
                        const int32_t input_y = y * pool->stride_y - pool->padding_top + ky;
                        const int32_t input_x = x * pool->stride_x - pool->padding_left + kx;
                        if (input_y < 0 || input_y >= pool->input.height || input_x < 0 ||
                            input_x >= pool->input.width) {
                            continue;
                        }
                        const uint8_t value = pool->input_data[rb_pixel_offset(&pool->input, input_y, input_x) + c];
                        best = value > best ? value : best;
                    }
                }
                pool->output_data[rb_pixel_offset(&pool->output, y, x) + c] = best;
            }
        }
    }
}

void rb_global_average_pool_run(const rb_global_average_pool *pool) {
    const int32_t pixels = pool->input.height * pool->input.width;
    for (int32_t c = 0; c < pool->input.channels; c++) {
        int32_t sum = 0;
        for (int32_t p = 0; p < pixels; p++) {
            sum += pool->input_data[(size_t)p * pool->input.pixel_stride + c] - pool->input.zero_point;
        }
        pool->features[c] = (float)sum * pool->multiplier;
    }
}
