// Which path this processor can take, and which kernel of a path computes a given convolution.
#include "conv.h"

bool rb_path_available(rb_path path) {
    switch (path) {
    case RB_PATH_REFERENCE:
        return true;
    case RB_PATH_AVX2:
#if defined(__x86_64__)
        return __builtin_cpu_supports("avx2"); // asks the operating system too
#else
        return false;
#endif
    case RB_PATH_NEON:
#if defined(__ARM_NEON)
        return true;
#else
        return false;
#endif
    case RB_PATH_COUNT:
        return false;
    }
    return false;
}

rb_path rb_path_best(void) {
    for (int32_t path = RB_PATH_COUNT - 1; path > RB_PATH_REFERENCE; path--) {
        if (rb_path_available((rb_path)path)) {
            return (rb_path)path;
        }
    }
    return RB_PATH_REFERENCE;
}

const char *rb_path_name(int32_t path) {
    static const char *const names[RB_PATH_COUNT] = {"reference", "avx2", "neon"};
    return path >= 0 && path < RB_PATH_COUNT ? names[path] : NULL;
}

// The kernels of kernels.inc, without those whose instruction set this build lacks.
#define RUN_IF_BUILT_RB_PATH_REFERENCE(name) name
#if defined(__x86_64__)
#define RUN_IF_BUILT_RB_PATH_AVX2(name) name
#else
#define RUN_IF_BUILT_RB_PATH_AVX2(name) NULL
#endif
#if defined(__ARM_NEON)
#define RUN_IF_BUILT_RB_PATH_NEON(name) name
#else
#define RUN_IF_BUILT_RB_PATH_NEON(name) NULL
#endif

const rb_conv_kernel rb_conv_kernels[] = {
#define RB_CONV_KERNEL(name, path, layout) {#name, path, &rb_layout_##layout, RUN_IF_BUILT_##path(name)},
#include "kernels.inc"
#undef RB_CONV_KERNEL
};
const int32_t rb_conv_kernel_count = sizeof rb_conv_kernels / sizeof rb_conv_kernels[0];

// The first kernel of the path whose layout holds the shape; the reference, last in the list, holds every shape.
static const rb_conv_kernel *choose(rb_path path, const rb_conv_shape *shape) {
    const rb_conv_kernel *kernel = rb_conv_kernels;
    while (kernel->path != RB_PATH_REFERENCE && (kernel->path != path || !kernel->layout->supports(shape))) {
        kernel++;
    }
    return kernel;
}

size_t rb_conv_packed_bytes(rb_path path, const rb_conv_shape *shape) {
    return choose(path, shape)->layout->packed_bytes(shape);
}

void rb_conv_pack(rb_path path, const rb_conv *conv, void *packed) {
    choose(path, &conv->shape)->layout->pack(conv, packed);
}

void rb_conv_run(rb_path path, const rb_conv *conv) {
    choose(path, &conv->shape)->run(conv);
}

const char *rb_conv_kernel_name(rb_path path, const rb_conv_shape *shape) {
    return choose(path, shape)->name;
}
