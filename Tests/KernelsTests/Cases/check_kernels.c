// The comparison of a kernel with the reference.
#include "cases.h"
#include "include/kernel_cases.h"
#include <stdio.h>
#include <string.h>

enum { CASES = 1500 };

static int32_t describe_shape(char *text, size_t room, const char *what, const rb_shape *s) {
    return snprintf(text, room, "%s %dx%dx%d (stride %d, zero point %d), ", what, s->height, s->width, s->channels,
                    s->pixel_stride, s->zero_point);
}

static void describe(char *text, size_t room, int32_t index, const char *kernel, const rb_conv_shape *s) {
    int32_t used = snprintf(text, room, "%s differs in case %d: ", kernel, index);
    used += describe_shape(text + used, room - (size_t)used, "input", &s->input);
    used += describe_shape(text + used, room - (size_t)used, "output", &s->output);
    used += describe_shape(text + used, room - (size_t)used, "residual", &s->residual);
    snprintf(text + used, room - (size_t)used,
             "kernel %dx%d, stride %dx%d, dilation %dx%d, padding %d,%d, groups %d, clamp %d...%d, residual step %d "
             "offset %d",
             s->kernel_height, s->kernel_width, s->stride_y, s->stride_x, s->dilation_y, s->dilation_x, s->padding_top,
             s->padding_left, s->groups, s->output_min, s->output_max, s->residual_step, s->residual_channel_offset);
}

// Computes rows [begin, end).
static void run_rows(const rb_conv_kernel *kernel, rb_conv *conv, int32_t begin, int32_t end) {
    conv->row_begin = begin;
    conv->row_end = end;
    kernel->run(conv);
}

// Runs one case whole and in two parts. The output starts as a pattern, so that a write between two pixels shows.
static bool equals_expected(const rb_conv_kernel *kernel, rb_conv *conv, const uint8_t *expected, size_t bytes) {
    const int32_t height = conv->shape.output.height;
    memset(conv->output, 0xA5, bytes);
    run_rows(kernel, conv, 0, height);
    if (memcmp(conv->output, expected, bytes) != 0) {
        return false;
    }
    memset(conv->output, 0xA5, bytes);
    run_rows(kernel, conv, height / 3, height);
    run_rows(kernel, conv, 0, height / 3);
    return memcmp(conv->output, expected, bytes) == 0;
}

static bool check_case(const rb_conv_kernel *kernel, int32_t index, const rb_regions *r, rb_kernel_check *check) {
    rb_random random = {0x9E3779B97F4A7C15u * (uint64_t)(index + 1)};
    const rb_conv_shape s = rb_case_shape(&random, index);
    if (!kernel->layout->supports(&s)) {
        return true;
    }
    const bool at_front = index % 4 == 3;
    rb_conv conv = rb_case_conv(&random, &s, r, at_front);
    const size_t bytes = rb_tensor_bytes(&s.output, s.output.channels);
    uint8_t *expected = rb_guarded_place(&r->expected, bytes, at_front);
    memset(expected, 0xA5, bytes);
    conv.output = expected;
    conv_u8s8__reference(&conv);
    check->checksum = rb_crc32(check->checksum, expected, bytes);
    check->cases++;

    void *packed = rb_guarded_place(&r->packed, kernel->layout->packed_bytes(&s), at_front);
    kernel->layout->pack(&conv, packed);
    conv.packed = packed;
    conv.output = rb_guarded_place(&r->output, bytes, at_front);
    check->passed = equals_expected(kernel, &conv, expected, bytes);
    if (!check->passed) {
        describe(check->failure, sizeof check->failure, index, kernel->name, &s);
    }
    return check->passed;
}

rb_kernel_check rb_check_kernel(int32_t kernel) {
    rb_kernel_check check = {.passed = true};
    rb_regions regions = rb_make_regions();
    for (int32_t i = 0; i < CASES && check_case(&rb_conv_kernels[kernel], i, &regions, &check); i++) {
    }
    rb_free_regions(&regions);
    return check;
}

int32_t rb_kernel_count(void) {
    return rb_conv_kernel_count;
}

const char *rb_kernel_name(int32_t kernel) {
    return rb_conv_kernels[kernel].name;
}

bool rb_kernel_available(int32_t kernel) {
    return rb_conv_kernels[kernel].run != NULL && rb_path_available(rb_conv_kernels[kernel].path);
}
