// The comparison of a kernel with the reference.
#define _GNU_SOURCE
#include "cases.h"
#include "include/kernel_cases.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CASES = 1500 };

int32_t rb_describe_shape(char *text, size_t room, const char *what, const rb_shape *s) {
    return snprintf(text, room, "%s %dx%dx%d (stride %d, zero point %d), ", what, s->height, s->width, s->channels,
                    s->pixel_stride, s->zero_point);
}

void rb_describe_conv(char *text, size_t room, const rb_conv_shape *s) {
    int32_t used = rb_describe_shape(text, room, "input", &s->input);
    used += rb_describe_shape(text + used, room - (size_t)used, "output", &s->output);
    used += rb_describe_shape(text + used, room - (size_t)used, "residual", &s->residual);
    snprintf(text + used, room - (size_t)used,
             "kernel %dx%d, stride %dx%d, dilation %dx%d, padding %d,%d, groups %d, clamp %d...%d, residual step %d "
             "offset %d",
             s->kernel_height, s->kernel_width, s->stride_y, s->stride_x, s->dilation_y, s->dilation_x, s->padding_top,
             s->padding_left, s->groups, s->output_min, s->output_max, s->residual_step, s->residual_channel_offset);
}

// What the output holds before a kernel writes: a write between two pixels shows.
enum { UNTOUCHED = 0xA5, MOST_PARTS = 4 };

// The kernel's shares, computed one after the other, together are the whole, whatever their number.
static bool equals_expected(const rb_conv_kernel *kernel, rb_conv *conv, const uint8_t *expected, size_t bytes) {
    bool equal = true;
    for (conv->parts = 1; equal && conv->parts <= MOST_PARTS; conv->parts++) {
        memset(conv->output, UNTOUCHED, bytes);
        for (conv->part = 0; conv->part < conv->parts; conv->part++) {
            kernel->run(conv);
        }
        equal = memcmp(conv->output, expected, bytes) == 0;
    }
    return equal;
}

// Puts the residual's channels where the output's will stand.
static void place_residual(const rb_conv *conv, size_t bytes) {
    const rb_shape *output = &conv->shape.output;
    memset(conv->output, UNTOUCHED, bytes);
    for (int32_t y = 0; y < output->height; y++) {
        for (int32_t x = 0; x < output->width; x++) {
            memcpy(conv->output + rb_pixel_offset(output, y, x),
                   conv->residual + rb_pixel_offset(&conv->shape.residual, y, x), (size_t)output->channels);
        }
    }
}

// Writing over the residual gives the same, where it is of the output's shape.
static bool equals_in_place(const rb_conv_kernel *kernel, const rb_conv *conv, const uint8_t *expected, size_t bytes) {
    const rb_conv_shape *s = &conv->shape;
    const bool is_same_shape = s->residual.height == s->output.height && s->residual.width == s->output.width &&
                               s->residual.channels == s->output.channels;
    bool equal = true;
    if (!is_same_shape || s->residual_step != 1 || s->residual_channel_offset != 0) {
        return equal;
    }
    rb_conv in_place = *conv;
    in_place.shape.residual.pixel_stride = s->output.pixel_stride;
    in_place.residual = in_place.output;
    for (in_place.parts = 1; equal && in_place.parts <= MOST_PARTS; in_place.parts++) {
        place_residual(conv, bytes);
        for (in_place.part = 0; in_place.part < in_place.parts; in_place.part++) {
            kernel->run(&in_place);
        }
        equal = memcmp(in_place.output, expected, bytes) == 0;
    }
    return equal;
}

// Where a kernel that touches a guard page goes on.
static sigjmp_buf after_fault;

static void leave_kernel(int signal) {
    (void)signal;
    siglongjmp(after_fault, 1);
}

// What is wrong with the kernel's answer, or NULL.
static const char *fault_in(const rb_conv_kernel *kernel, rb_conv *conv, const uint8_t *expected, size_t bytes) {
    const struct sigaction handler = {.sa_handler = leave_kernel};
    struct sigaction before;
    const char *fault = NULL;
    sigaction(SIGSEGV, &handler, &before);
    if (sigsetjmp(after_fault, 1) != 0) {
        fault = "touches memory outside its tensors";
    } else if (!equals_expected(kernel, conv, expected, bytes)) {
        fault = "differs";
    } else if (!equals_in_place(kernel, conv, expected, bytes)) {
        fault = "differs when it writes over what it adds";
    }
    sigaction(SIGSEGV, &before, NULL);
    return fault;
}

const char *rb_compare_kernel(const rb_conv_kernel *kernel, rb_conv conv, const rb_regions *r, bool at_front) {
    const rb_conv_shape *s = &conv.shape;
    const size_t bytes = rb_tensor_bytes(&s->output, s->output.channels);
    uint8_t *expected = rb_guarded_place(&r->expected, bytes, at_front);
    // No more than its line in kernels.inc promises it.
    conv.scratch = rb_guarded_place(&r->scratch, kernel->scratch_bytes(s), at_front);
    void *packed = rb_guarded_place(&r->packed, kernel->layout->packed_bytes(s), at_front);
    conv.output = rb_guarded_place(&r->output, bytes, at_front);
    kernel->layout->pack(&conv, packed);
    conv.packed = packed;
    return fault_in(kernel, &conv, expected, bytes);
}

void rb_expect(rb_conv conv, const rb_regions *r, bool at_front) {
    const size_t bytes = rb_tensor_bytes(&conv.shape.output, conv.shape.output.channels);
    conv.output = rb_guarded_place(&r->expected, bytes, at_front);
    memset(conv.output, UNTOUCHED, bytes);
    conv_u8s8__reference(&conv);
}

// Compares one case; false where the kernel fails it.
static bool check_case(const rb_conv_kernel *kernel, int32_t index, const rb_regions *r, rb_kernel_check *check) {
    rb_random random = {0x9E3779B97F4A7C15u * (uint64_t)(index + 1)};
    const rb_conv_shape s = rb_case_shape(&random, index);
    if (!kernel->layout->supports(&s)) {
        return true;
    }
    const bool at_front = index % 4 == 3;
    rb_conv conv = rb_case_conv(&random, &s, r, at_front);
    conv.flip = rb_path_activation_flip(kernel->path);
    rb_expect(conv, r, at_front);
    const size_t bytes = rb_tensor_bytes(&s.output, s.output.channels);
    check->checksum = rb_crc32(check->checksum, rb_guarded_place(&r->expected, bytes, at_front), bytes);
    check->cases++;
    const char *fault = rb_compare_kernel(kernel, conv, r, at_front);
    if (fault != NULL) {
        const int32_t used =
            snprintf(check->failure, sizeof check->failure, "%s %s in case %d: ", kernel->name, fault, index);
        rb_describe_conv(check->failure + used, sizeof check->failure - (size_t)used, &s);
    }
    return fault == NULL;
}

rb_kernel_check rb_check_kernel(int32_t kernel) {
    rb_kernel_check check = {.passed = true};
    rb_regions regions = rb_make_regions();
    for (int32_t i = 0; i < CASES && check.passed; i++) {
        check.passed = check_case(&rb_conv_kernels[kernel], i, &regions, &check);
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
