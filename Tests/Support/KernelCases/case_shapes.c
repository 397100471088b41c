// Which convolutions are tried.
#include "cases.h"
#include <math.h>

enum { MOST_PRODUCTS = 400000 }; // of one case, so that an emulator gets through all of them
// What the verifier lets through.
enum { MOST_EXTENT = 65535, MOST_STEP = 255 };

static int32_t largest(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static int32_t one_of(rb_random *random, const int32_t *values, int32_t count) {
    return values[rb_random_in(random, 0, count - 1)];
}
#define ONE_OF(random, ...)                                                                                            \
    one_of(random, (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static int32_t random_zero_point(rb_random *random) {
    return ONE_OF(random, 0, 255, 128, rb_random_in(random, 0, 255));
}

rb_shape rb_random_shape(rb_random *random, int32_t height, int32_t width, int32_t channels) {
    const int32_t pixel_stride = (channels + 3) / 4 * 4 + ONE_OF(random, 0, 0, 4, 28);
    return (rb_shape){height, width, channels, pixel_stride, random_zero_point(random)};
}

// Output positions along one axis: as many as fit with the padding, which is unequal at the two ends now and then.
static int32_t output_size(int32_t input, int32_t kernel, int32_t stride, int32_t dilation, int32_t padding) {
    return (input + padding - dilation * (kernel - 1) - 1) / stride + 1;
}

static void add_residual(rb_random *random, rb_conv_shape *s) {
    const rb_shape *output = &s->output;
    switch (rb_random_in(random, 0, 3)) {
    case 0: // none
        return;
    case 1: // identity
        s->residual_step = 1;
        s->residual = rb_random_shape(random, output->height, output->width, output->channels);
        break;
    case 2: // option A
        s->residual_step = 2;
        s->residual_channel_offset = output->channels / 4;
        s->residual =
            rb_random_shape(random, output->height * 2, output->width * 2 - 1, largest(1, output->channels / 2));
        break;
    default: // anything the description allows
        s->residual_step = rb_random_in(random, 1, 3);
        s->residual_channel_offset = rb_random_in(random, 0, output->channels);
        s->residual = rb_random_shape(random, (output->height - 1) * s->residual_step + 1,
                                      (output->width - 1) * s->residual_step + 1, rb_random_in(random, 1, 70));
        break;
    }
    const int32_t mantissa = rb_random_in(random, 1, 255);
    s->residual_multiplier = ldexpf((float)mantissa, ONE_OF(random, -100, -9, -8, -7, -6, 20));
}

// Input channels: `groups` groups of `channels`. `usual`: a 3x3 kernel with stride 1 or 2, as most networks have it.
typedef struct {
    int32_t channels, groups;
    bool usual;
} grouping;

static bool is_depthwise(grouping g) {
    return g.channels == 1 && g.groups > 1;
}

// A shape that makes sense, or one with an output height of 0.
static rb_conv_shape try_shape(rb_random *random, grouping grouping) {
    const int32_t channels = grouping.channels, groups = grouping.groups;
    rb_conv_shape s = {.groups = groups};
    if (grouping.usual) {
        s.kernel_height = s.kernel_width = 3;
        s.stride_y = s.stride_x = ONE_OF(random, 1, 1, 2);
        s.dilation_y = s.dilation_x = 1;
    } else {
        s.kernel_height = rb_random_in(random, 1, 7);
        s.kernel_width = ONE_OF(random, s.kernel_height, s.kernel_height, rb_random_in(random, 1, 7));
        s.stride_y = ONE_OF(random, 1, 1, 2, 3);
        s.stride_x = ONE_OF(random, s.stride_y, s.stride_y, rb_random_in(random, 1, 3));
        s.dilation_y = ONE_OF(random, 1, 1, 2, 3);
        s.dilation_x = ONE_OF(random, s.dilation_y, s.dilation_y, rb_random_in(random, 1, 3));
    }
    s.padding_top = rb_random_in(random, 0, s.dilation_y * (s.kernel_height - 1));
    s.padding_left = rb_random_in(random, 0, s.dilation_x * (s.kernel_width - 1));
    const int32_t smallest = grouping.usual ? rb_random_in(random, 1, 12) : 1;
    const int32_t input_height = rb_random_in(random, smallest, 17);
    const int32_t input_width = ONE_OF(random, rb_random_in(random, smallest, 17), rb_random_in(random, smallest, 40));
    s.input = rb_random_shape(random, input_height, input_width, channels * groups);
    const int32_t height = output_size(s.input.height, s.kernel_height, s.stride_y, s.dilation_y,
                                       s.padding_top + rb_random_in(random, 0, s.padding_top));
    const int32_t width = output_size(s.input.width, s.kernel_width, s.stride_x, s.dilation_x,
                                      s.padding_left + rb_random_in(random, 0, s.padding_left));
    if (height < 1 || width < 1) {
        return s;
    }
    const int32_t channels_out = groups == 1 && grouping.usual ? ONE_OF(random, 16, 16, 20, 5)
                                 : groups == 1                 ? ONE_OF(random, 16, 32, rb_random_in(random, 1, 70))
                                 : channels % 4 == 0           ? groups * ONE_OF(random, channels, channels, 4, 8)
                                 : is_depthwise(grouping)      ? groups * ONE_OF(random, 1, 1, 1, 2)
                                                               : groups * rb_random_in(random, 1, 4);
    s.output = rb_random_shape(random, height, width, channels_out);
    s.output_min = ONE_OF(random, 0, s.output.zero_point, rb_random_in(random, 0, 255));
    s.output_max = ONE_OF(random, 255, rb_random_in(random, s.output_min, 255));
    if (groups == 1 || rb_random_in(random, 0, 3) == 0) {
        add_residual(random, &s);
    }
    return s;
}

static int64_t products(const rb_conv_shape *s) {
    return (int64_t)s->output.height * s->output.width * s->output.channels * s->kernel_height * s->kernel_width *
           (s->input.channels / s->groups);
}

static grouping random_grouping(rb_random *random, int32_t index) {
    switch (index % 16) {
    case 3:
    case 4:
        return (grouping){ONE_OF(random, 8, 8, 16, 24, rb_random_in(random, 1, 40)), 1, true};
    case 5:
        return (grouping){1, rb_random_in(random, 5, 150), false};
    case 6:
    case 7:
        return (grouping){1, rb_random_in(random, 5, 150), true};
    case 9: // the first layers of a network
        return (grouping){rb_random_in(random, 1, 32), 1, true};
    case 13:
        return (grouping){ONE_OF(random, 4, 8), rb_random_in(random, 2, 40), rb_random_in(random, 0, 3) != 0};
    case 14:
        return (grouping){ONE_OF(random, 4, 8, 16, 32), rb_random_in(random, 2, 6), false};
    case 15:
        return (grouping){rb_random_in(random, 1, 7), rb_random_in(random, 2, 9), false};
    default:
        return (grouping){index % 70 + 1, 1, false};
    }
}

// Every input channel count from 1 to 70 comes up, whatever the other numbers are.
rb_conv_shape rb_case_shape(rb_random *random, int32_t index) {
    const grouping grouping = random_grouping(random, index);
    rb_conv_shape s;
    do {
        s = try_shape(random, grouping);
    } while (s.output.height == 0 || products(&s) > MOST_PRODUCTS);
    return s;
}

int32_t rb_random_size(rb_random *random, int32_t most) {
    const int32_t bits = rb_random_in(random, 0, 31 - __builtin_clz((uint32_t)most));
    const int32_t end = 2 << bits;
    return rb_random_in(random, 1 << bits, end - 1 < most ? end - 1 : most);
}

// What a wild case takes to its limits. The rest stays small: so the limits of each are reached with few products.
typedef enum { NOTHING, WINDOW, STRIDE, DILATION, PADDING, INPUT, OUTPUT, CHANNELS, EXTREMES } extreme;

// Log-uniform in 1...usual; where this is what goes to its limit, half of the cases uniform in 1...most.
static int32_t wild_size(rb_random *random, bool is_extreme, int32_t usual, int32_t most) {
    if (!is_extreme) {
        return rb_random_size(random, usual);
    }
    return rb_random_in(random, 0, 1) ? rb_random_in(random, 1, most) : rb_random_size(random, most);
}

// Groups, and input and output channels of each.
static void wild_channels(rb_random *random, extreme e, rb_conv_shape *s, int32_t channels[2]) {
    const bool many = e == CHANNELS;
    switch (rb_random_in(random, 0, 3)) {
    case 0:
        s->groups = 1;
        channels[0] = wild_size(random, many, e == WINDOW ? 2 : 40, 2048);
        channels[1] = wild_size(random, many, e == WINDOW ? 2 : 80, 512);
        break;
    case 1: // depthwise, of one channel too
        s->groups = wild_size(random, many, e == WINDOW ? 2 : 80, 2048);
        channels[0] = channels[1] = 1;
        break;
    case 2: // narrow groups
        s->groups = wild_size(random, many, e == WINDOW ? 2 : 40, 512);
        channels[0] = channels[1] = ONE_OF(random, 4, 8);
        break;
    default:
        s->groups = rb_random_size(random, e == WINDOW ? 2 : 16);
        channels[0] = rb_random_size(random, e == WINDOW ? 2 : 48);
        channels[1] = rb_random_size(random, e == WINDOW ? 2 : 48);
        break;
    }
}

// Nothing says that an output is of the size that its input and window have room for.
static int32_t wild_output(rb_random *random, bool is_extreme, int32_t room, int32_t window, int32_t stride) {
    const int32_t most = room < window ? 0 : (room - window) / stride + 1;
    return most >= 1 && most <= MOST_EXTENT && rb_random_in(random, 0, 3) != 0
               ? most
               : wild_size(random, is_extreme, 12, MOST_EXTENT);
}

static rb_conv_shape try_wild_shape(rb_random *random, extreme e) {
    rb_conv_shape s = {0};
    int32_t channels[2];
    wild_channels(random, e, &s, channels);
    s.kernel_height = wild_size(random, e == WINDOW, 5, MOST_STEP);
    s.kernel_width = ONE_OF(random, s.kernel_height, wild_size(random, e == WINDOW, 5, MOST_STEP));
    s.stride_y = wild_size(random, e == STRIDE, 3, MOST_STEP);
    s.stride_x = ONE_OF(random, s.stride_y, wild_size(random, e == STRIDE, 3, MOST_STEP));
    s.dilation_y = wild_size(random, e == DILATION, 2, MOST_STEP);
    s.dilation_x = ONE_OF(random, s.dilation_y, 1, wild_size(random, e == DILATION, 2, MOST_STEP));
    s.padding_top = wild_size(random, e == PADDING, 4, MOST_EXTENT) - 1;
    s.padding_left = ONE_OF(random, s.padding_top, wild_size(random, e == PADDING, 4, MOST_EXTENT) - 1);
    s.input = rb_random_shape(random, wild_size(random, e == INPUT, 24, MOST_EXTENT),
                              wild_size(random, e == INPUT, 24, MOST_EXTENT), channels[0] * s.groups);
    const int32_t height = wild_output(random, e == OUTPUT, s.input.height + 2 * s.padding_top,
                                       s.dilation_y * (s.kernel_height - 1) + 1, s.stride_y);
    const int32_t width = wild_output(random, e == OUTPUT, s.input.width + 2 * s.padding_left,
                                      s.dilation_x * (s.kernel_width - 1) + 1, s.stride_x);
    s.output = rb_random_shape(random, height, width, channels[1] * s.groups);
    s.output_min = ONE_OF(random, 0, s.output.zero_point, rb_random_in(random, 0, 255));
    s.output_max = ONE_OF(random, 255, rb_random_in(random, s.output_min, 255));
    if (rb_random_in(random, 0, 1)) {
        add_residual(random, &s);
    }
    return s;
}

static bool fits(const rb_shape *s, int64_t most_bytes) {
    return s->height == 0 || (int64_t)s->height * s->width * s->pixel_stride <= most_bytes - s->pixel_stride;
}

// Small cases are likelier: many of them find more than a few large ones.
static bool is_feasible(const rb_conv_shape *s, int64_t most_products) {
    const int64_t weights =
        (int64_t)s->output.channels * s->kernel_height * s->kernel_width * (s->input.channels / s->groups);
    // Filling large tensors for few products would take most of the time.
    const int64_t most_bytes = 64 * most_products < RB_REGION_BYTES ? 64 * most_products : RB_REGION_BYTES;
    if (!fits(&s->input, most_bytes) || !fits(&s->output, most_bytes) || !fits(&s->residual, most_bytes) ||
        weights > RB_REGION_BYTES || s->input.channels > MOST_EXTENT || s->output.channels > MOST_EXTENT ||
        products(s) > most_products) {
        return false;
    }
    for (int32_t i = 0; i < rb_conv_kernel_count; i++) {
        const rb_conv_kernel *kernel = &rb_conv_kernels[i];
        if (kernel->layout->supports(s) && kernel->layout->packed_bytes(s) > RB_PACKED_REGION_BYTES) {
            return false;
        }
    }
    return true;
}

rb_conv_shape rb_wild_conv_shape(rb_random *random) {
    const extreme e = (extreme)rb_random_in(random, 0, EXTREMES - 1);
    const int64_t most_products = 1 << rb_random_in(random, e == WINDOW ? 14 : 8, 18);
    rb_conv_shape s;
    do {
        s = try_wild_shape(random, e);
    } while (!is_feasible(&s, most_products));
    return s;
}
