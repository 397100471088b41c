// Which path this processor can take, and which kernel of a path computes a given convolution.
#include "workspace.h"
#if defined(__aarch64__)
#include <sys/auxv.h> // what the kernel said of the processor when it started the program; no system call
#endif

bool rb_path_available(rb_path path) {
    switch (path) {
    case RB_PATH_REFERENCE:
        return true;
    // The builtin asks the operating system too, whether it keeps the registers.
    case RB_PATH_AVX2:
    case RB_PATH_AVXVNNI:
    case RB_PATH_AVX512VNNI:
#if defined(__x86_64__)
        return __builtin_cpu_supports("avx2") && (path != RB_PATH_AVXVNNI || __builtin_cpu_supports("avxvnni")) &&
               (path != RB_PATH_AVX512VNNI ||
                (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")));
#else
        return false;
#endif
    case RB_PATH_NEON:
#if defined(__ARM_NEON)
        return true;
#else
        return false;
#endif
    case RB_PATH_DOTPROD:
#if defined(__aarch64__)
        return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
        return false;
#endif
    case RB_PATH_I8MM:
#if defined(__aarch64__)
        return (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0 && rb_path_available(RB_PATH_DOTPROD);
#else
        return false;
#endif
    case RB_PATH_COUNT:
        return false;
    }
    return false;
}

bool rb_path_is_built(rb_path path) {
    for (int32_t i = 0; i < rb_conv_kernel_count; i++) {
        if (rb_conv_kernels[i].path == path && rb_conv_kernels[i].run != NULL) {
            return true;
        }
    }
    return false;
}

// What stands in one place about each path. A path's processor also executes the kernels of `lesser`, which compute
// what the path has no kernel of its own for.
static const struct {
    const char *name;
    rb_path lesser;
    uint8_t flip;
} paths[RB_PATH_COUNT] = {
    [RB_PATH_REFERENCE] = {"reference", RB_PATH_REFERENCE, 0}, [RB_PATH_AVX2] = {"avx2", RB_PATH_REFERENCE, 0},
    [RB_PATH_AVXVNNI] = {"avxvnni", RB_PATH_AVX2, 0},          [RB_PATH_AVX512VNNI] = {"avx512vnni", RB_PATH_AVX2, 0},
    [RB_PATH_NEON] = {"neon", RB_PATH_REFERENCE, 0x80},        [RB_PATH_DOTPROD] = {"dotprod", RB_PATH_NEON, 0x80},
    [RB_PATH_I8MM] = {"i8mm", RB_PATH_DOTPROD, 0x80},
};

rb_path rb_path_best(void) {
    static const rb_path fastest_first[] = {RB_PATH_AVX512VNNI, RB_PATH_AVXVNNI, RB_PATH_AVX2,
                                            RB_PATH_I8MM,       RB_PATH_DOTPROD, RB_PATH_NEON};
    for (size_t i = 0; i < sizeof fastest_first / sizeof fastest_first[0]; i++) {
        if (rb_path_available(fastest_first[i])) {
            return fastest_first[i];
        }
    }
    return RB_PATH_REFERENCE;
}

rb_path rb_path_lesser(rb_path path) {
    return paths[path].lesser;
}

const char *rb_path_name(int32_t path) {
    return path >= 0 && path < RB_PATH_COUNT ? paths[path].name : NULL;
}

uint8_t rb_path_activation_flip(rb_path path) {
    return paths[path].flip;
}

// The kernels of kernels.inc, without those whose instruction set this build lacks.
#define RUN_IF_BUILT_RB_PATH_REFERENCE(name) name
#if defined(__x86_64__)
#define RUN_IF_BUILT_RB_PATH_AVX2(name) name
#define RUN_IF_BUILT_RB_PATH_AVXVNNI(name) name
#define RUN_IF_BUILT_RB_PATH_AVX512VNNI(name) name
#else
#define RUN_IF_BUILT_RB_PATH_AVX2(name) NULL
#define RUN_IF_BUILT_RB_PATH_AVXVNNI(name) NULL
#define RUN_IF_BUILT_RB_PATH_AVX512VNNI(name) NULL
#endif
#if defined(__ARM_NEON)
#define RUN_IF_BUILT_RB_PATH_NEON(name) name
#else
#define RUN_IF_BUILT_RB_PATH_NEON(name) NULL
#endif
#if defined(__aarch64__)
#define RUN_IF_BUILT_RB_PATH_DOTPROD(name) name
#define RUN_IF_BUILT_RB_PATH_I8MM(name) name
#else
#define RUN_IF_BUILT_RB_PATH_DOTPROD(name) NULL
#define RUN_IF_BUILT_RB_PATH_I8MM(name) NULL
#endif

const rb_conv_kernel rb_conv_kernels[] = {
#define RB_CONV_KERNEL(name, path, layout, workspace)                                                                  \
    {#name, path, &rb_layout_##layout, rb_workspace_##workspace, RUN_IF_BUILT_##path(name)},
#include "kernels.inc"
#undef RB_CONV_KERNEL
};
const int32_t rb_conv_kernel_count = sizeof rb_conv_kernels / sizeof rb_conv_kernels[0];

// Whether a processor of the path executes kernels of another path: its own, or one on the way to the reference.
static bool executes(rb_path path, rb_path kernel_path) {
    while (path != kernel_path && path != RB_PATH_REFERENCE) {
        path = rb_path_lesser(path);
    }
    return path == kernel_path;
}

// The first kernel that the path executes and whose layout holds the shape; the reference, last in the list, holds
// every shape.
static const rb_conv_kernel *choose(rb_path path, const rb_conv_shape *shape) {
    const rb_conv_kernel *kernel = rb_conv_kernels;
    while (!executes(path, kernel->path) || !kernel->layout->supports(shape)) {
        kernel++;
    }
    return kernel;
}

size_t rb_conv_packed_bytes(rb_path path, const rb_conv_shape *shape) {
    return choose(path, shape)->layout->packed_bytes(shape);
}

size_t rb_conv_scratch_bytes(rb_path path, const rb_conv_shape *shape) {
    return choose(path, shape)->scratch_bytes(shape);
}

size_t rb_conv_most_scratch_bytes(const rb_conv_shape *shape) {
    size_t most = 0;
    for (int32_t path = 0; path < RB_PATH_COUNT; path++) {
        const size_t bytes = rb_conv_scratch_bytes((rb_path)path, shape);
        most = bytes > most ? bytes : most;
    }
    return most;
}

int32_t rb_conv_pack(rb_path path, const rb_conv *conv, void *packed) {
    const rb_layout *layout = choose(path, &conv->shape)->layout;
    if (layout->packs_shares || conv->part == 0) {
        layout->pack(conv, packed);
    }
    const int32_t channels = conv->shape.output.channels;
    const int32_t end = rb_share_of_blocks(conv).end * RB_BLOCK_CHANNELS;
    return layout->packs_shares && end < channels ? end : channels;
}

void rb_conv_run(rb_path path, const rb_conv *conv) {
    choose(path, &conv->shape)->run(conv);
}

const char *rb_conv_kernel_name(rb_path path, const rb_conv_shape *shape) {
    return choose(path, shape)->name;
}
