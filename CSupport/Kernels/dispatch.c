// Which path this processor can take, and which kernel of a path computes a given convolution.
#include "conv.h"

bool rb_path_available(rb_path path) {
    switch (path) {
    case RB_PATH_REFERENCE:
        return true;
    case RB_PATH_AVX2:
    case RB_PATH_NEON:
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

typedef struct {
    const char *name;
    rb_path path;
    const rb_layout *layout;
    void (*run)(const rb_conv *conv);
} conv_kernel;

static const conv_kernel conv_kernels[] = {
#define RB_CONV_KERNEL(name, path, layout) {#name, path, &rb_layout_##layout, name},
#include "kernels.inc"
#undef RB_CONV_KERNEL
};

// The first kernel of the path whose layout holds the shape; the reference, last in the list, holds every shape.
static const conv_kernel *choose(rb_path path, const rb_conv_shape *shape) {
    const conv_kernel *kernel = conv_kernels;
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

size_t rb_conv_scratch_bytes(const rb_conv_shape *shape) {
    // One input pixel of zero points, which stands in for every position outside the input.
    return ((size_t)shape->input.pixel_stride + 63) / 64 * 64;
}

void rb_conv_run(rb_path path, const rb_conv *conv) { choose(path, &conv->shape)->run(conv); }

const char *rb_conv_kernel_name(rb_path path, const rb_conv_shape *shape) { return choose(path, shape)->name; }

static bool supports_all(const rb_conv_shape *shape) {
    (void)shape;
    return true;
}

static size_t no_bytes(const rb_conv_shape *shape) {
    (void)shape;
    return 0;
}

static void pack_nothing(const rb_conv *conv, void *packed) {
    (void)conv;
    (void)packed;
}

const rb_layout rb_layout_in_place = {supports_all, no_bytes, pack_nothing};
