// Every convolution and every matrix product whose numbers the model verifier lets through, one by one within their
// ranges: what the sizes of their scratch memory and of packed weights are computed from. For Frama-C's Eva, which
// follows all of them at once.
#include "workspace.h"

static volatile int32_t any;

static int32_t between(int32_t low, int32_t high) {
    const int32_t number = any;
    return number < low ? low : number > high ? high : number;
}

static rb_shape any_tensor(void) {
    return (rb_shape){
        .height = between(1, 65535),
        .width = between(1, 65535),
        .channels = between(1, 65535),
        .pixel_stride = between(4, 0x7fffffff),
        .zero_point = between(0, 255),
    };
}

static void convolutions(void) {
    const rb_conv_shape shape = {
        .input = any_tensor(),
        .output = any_tensor(),
        .groups = between(1, 65535),
        .kernel_height = between(1, 255),
        .kernel_width = between(1, 255),
        .stride_y = between(1, 255),
        .stride_x = between(1, 255),
        .dilation_y = between(1, 255),
        .dilation_x = between(1, 255),
        .padding_top = between(0, 65535),
        .padding_left = between(0, 65535),
        .output_max = 255,
    };
    for (int32_t i = 0; i < rb_conv_kernel_count; i++) {
        if (rb_conv_kernels[i].layout->supports(&shape)) {
            (void)rb_conv_kernels[i].layout->packed_bytes(&shape);
        }
        (void)rb_conv_kernels[i].scratch_bytes(&shape);
    }
}

static void matrix_products(void) {
    rb_matrix_product product = {.input = any_tensor(), .factor = any_tensor(), .output = any_tensor()};
    product.groups = between(1, 65535);
    for (int32_t path = 0; path < RB_PATH_COUNT; path++) {
        (void)rb_matrix_product_scratch_bytes((rb_path)path, &product);
        (void)rb_matrix_product_thread_scratch_bytes((rb_path)path, &product);
    }
}

int main(void) {
    convolutions();
    matrix_products();
    return 0;
}
