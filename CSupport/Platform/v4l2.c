// Video4Linux capture nodes, single- and multi-planar: what they offer, what they are set to, whether there is a
// signal.
#define _GNU_SOURCE
#include "v4l2_request.h"
#include <fcntl.h>
#include <poll.h>
#include <string.h>

_Static_assert(RB_V4L2_CAPTURE == V4L2_CAP_VIDEO_CAPTURE && RB_V4L2_OUTPUT == V4L2_CAP_VIDEO_OUTPUT &&
                   RB_V4L2_OVERLAY == V4L2_CAP_VIDEO_OVERLAY &&
                   RB_V4L2_VBI == (V4L2_CAP_VBI_CAPTURE | V4L2_CAP_VBI_OUTPUT | V4L2_CAP_SLICED_VBI_CAPTURE |
                                   V4L2_CAP_SLICED_VBI_OUTPUT) &&
                   RB_V4L2_CAPTURE_PLANES == V4L2_CAP_VIDEO_CAPTURE_MPLANE &&
                   RB_V4L2_OUTPUT_PLANES == V4L2_CAP_VIDEO_OUTPUT_MPLANE &&
                   RB_V4L2_MEMORY_TO_MEMORY == (V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE) &&
                   RB_V4L2_RADIO == (V4L2_CAP_RADIO | V4L2_CAP_TUNER) &&
                   RB_V4L2_METADATA == (V4L2_CAP_META_CAPTURE | V4L2_CAP_META_OUTPUT) &&
                   RB_V4L2_STREAMING == V4L2_CAP_STREAMING,
               "v4l2.h repeats V4L2's capabilities");

int32_t rb_v4l2_open(const char *path) {
    const int descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int32_t rb_v4l2_query(int32_t descriptor, rb_v4l2_capability *capability) {
    struct v4l2_capability answer = {0};
    const int32_t result = request(descriptor, VIDIOC_QUERYCAP, &answer);
    if (result == 0) {
        *capability = (rb_v4l2_capability){0};
        memcpy(capability->driver, answer.driver, sizeof capability->driver - 1);
        memcpy(capability->card, answer.card, sizeof capability->card - 1);
        memcpy(capability->bus, answer.bus_info, sizeof capability->bus - 1);
        const bool has_node_caps = answer.capabilities & V4L2_CAP_DEVICE_CAPS;
        capability->capabilities = has_node_caps ? answer.device_caps : answer.capabilities;
    }
    return result;
}

// --- What a node offers ---

int32_t rb_v4l2_enumerate_format(rb_v4l2_node node, uint32_t index, uint32_t *fourcc) {
    struct v4l2_fmtdesc answer = {.index = index, .type = capture_type(node)};
    const int32_t result = request(node.descriptor, VIDIOC_ENUM_FMT, &answer);
    if (result == 0) {
        *fourcc = answer.pixelformat;
    }
    return result;
}

int32_t rb_v4l2_enumerate_sizes(rb_v4l2_node node, uint32_t fourcc, uint32_t index, rb_v4l2_sizes *sizes) {
    struct v4l2_frmsizeenum answer = {.index = index, .pixel_format = fourcc};
    const int32_t result = request(node.descriptor, VIDIOC_ENUM_FRAMESIZES, &answer);
    if (result != 0) {
        return result;
    }
    if (answer.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
        const struct v4l2_frmsize_discrete *one = &answer.discrete;
        *sizes = (rb_v4l2_sizes){one->width, one->width, 1, one->height, one->height, 1};
    } else {
        const struct v4l2_frmsize_stepwise *range = &answer.stepwise;
        *sizes = (rb_v4l2_sizes){range->min_width,  range->max_width,  range->step_width,
                                 range->min_height, range->max_height, range->step_height};
    }
    return 0;
}

int32_t rb_v4l2_enumerate_intervals(rb_v4l2_node node, uint32_t fourcc, uint32_t width, uint32_t height, uint32_t index,
                                    rb_v4l2_intervals *intervals) {
    struct v4l2_frmivalenum answer = {.index = index, .pixel_format = fourcc, .width = width, .height = height};
    const int32_t result = request(node.descriptor, VIDIOC_ENUM_FRAMEINTERVALS, &answer);
    if (result == 0) {
        const bool is_one = answer.type == V4L2_FRMIVAL_TYPE_DISCRETE;
        const struct v4l2_fract least = is_one ? answer.discrete : answer.stepwise.min;
        const struct v4l2_fract most = is_one ? answer.discrete : answer.stepwise.max;
        *intervals = (rb_v4l2_intervals){least.numerator, least.denominator, most.numerator, most.denominator};
    }
    return result;
}

// --- What it is set to ---

// What a driver leaves open follows from its colour space, as in V4L2_MAP_YCBCR_ENC_DEFAULT. Of the rarer matrices,
// that of BT.2020 and that of SMPTE 240M are nearer to BT.709.
static bool is_bt709(uint32_t space, uint32_t encoding) {
    if (encoding == V4L2_YCBCR_ENC_DEFAULT) {
        return space == V4L2_COLORSPACE_REC709 || space == V4L2_COLORSPACE_DCI_P3 || space == V4L2_COLORSPACE_BT2020 ||
               space == V4L2_COLORSPACE_SMPTE240M;
    }
    return encoding == V4L2_YCBCR_ENC_709 || encoding == V4L2_YCBCR_ENC_XV709 || encoding == V4L2_YCBCR_ENC_BT2020 ||
           encoding == V4L2_YCBCR_ENC_BT2020_CONST_LUM || encoding == V4L2_YCBCR_ENC_SMPTE240M;
}

static rb_v4l2_range range_of(uint32_t space, uint32_t quantization) {
    if (quantization == V4L2_QUANTIZATION_DEFAULT) {
        return space == V4L2_COLORSPACE_JPEG ? RB_V4L2_RANGE_FULL : RB_V4L2_RANGE_DEFAULT;
    }
    return quantization == V4L2_QUANTIZATION_FULL_RANGE ? RB_V4L2_RANGE_FULL : RB_V4L2_RANGE_LIMITED;
}

static rb_v4l2_rows rows_of(uint32_t field) {
    switch (field) {
    case V4L2_FIELD_SEQ_TB:
    case V4L2_FIELD_SEQ_BT:
        return RB_V4L2_ROWS_BY_FIELD;
    case V4L2_FIELD_TOP:
    case V4L2_FIELD_BOTTOM:
    case V4L2_FIELD_ALTERNATE:
        return RB_V4L2_ONE_FIELD;
    default:
        return RB_V4L2_ROWS_IN_ORDER;
    }
}

static void read_pixels(const struct v4l2_pix_format *pixels, rb_v4l2_format *format) {
    *format = (rb_v4l2_format){.fourcc = pixels->pixelformat,
                               .width = pixels->width,
                               .height = pixels->height,
                               .rows = rows_of(pixels->field),
                               .memories = 1,
                               .stride = {pixels->bytesperline},
                               .is_bt709 = is_bt709(pixels->colorspace, pixels->ycbcr_enc),
                               .range = range_of(pixels->colorspace, pixels->quantization)};
}

static int32_t read_planes(const struct v4l2_pix_format_mplane *pixels, rb_v4l2_format *format) {
    if (pixels->num_planes == 0 || pixels->num_planes > RB_V4L2_MEMORIES) {
        return -EINVAL;
    }
    *format = (rb_v4l2_format){.fourcc = pixels->pixelformat,
                               .width = pixels->width,
                               .height = pixels->height,
                               .rows = rows_of(pixels->field),
                               .memories = pixels->num_planes,
                               .is_bt709 = is_bt709(pixels->colorspace, pixels->ycbcr_enc),
                               .range = range_of(pixels->colorspace, pixels->quantization)};
    for (uint32_t i = 0; i < format->memories; i++) {
        format->stride[i] = pixels->plane_fmt[i].bytesperline;
    }
    return 0;
}

static int32_t exchange_format(rb_v4l2_node node, unsigned long number, uint32_t field, rb_v4l2_format *format) {
    struct v4l2_format answer = {.type = capture_type(node)};
    if (node.has_planes) {
        struct v4l2_pix_format_mplane *pixels = &answer.fmt.pix_mp;
        pixels->pixelformat = format->fourcc;
        pixels->width = format->width;
        pixels->height = format->height;
        pixels->field = field;
        const int32_t result = request(node.descriptor, number, &answer);
        return result == 0 ? read_planes(pixels, format) : result;
    }
    struct v4l2_pix_format *pixels = &answer.fmt.pix;
    pixels->pixelformat = format->fourcc;
    pixels->width = format->width;
    pixels->height = format->height;
    pixels->field = field;
    const int32_t result = request(node.descriptor, number, &answer);
    if (result == 0) {
        read_pixels(pixels, format);
    }
    return result;
}

int32_t rb_v4l2_get_format(rb_v4l2_node node, rb_v4l2_format *format) {
    return exchange_format(node, VIDIOC_G_FMT, V4L2_FIELD_NONE, format);
}

int32_t rb_v4l2_set_format(rb_v4l2_node node, rb_v4l2_format *format) {
    const rb_v4l2_format asked = *format;
    const int32_t result = exchange_format(node, VIDIOC_S_FMT, V4L2_FIELD_NONE, format);
    if (result != 0 || format->rows == RB_V4L2_ROWS_IN_ORDER) {
        return result;
    }
    // A driver that cannot have all rows at once may still put them in their order.
    *format = asked;
    return exchange_format(node, VIDIOC_S_FMT, V4L2_FIELD_INTERLACED, format);
}

int32_t rb_v4l2_set_interval(rb_v4l2_node node, uint32_t *numerator, uint32_t *denominator) {
    struct v4l2_streamparm parameters = {.type = capture_type(node)};
    struct v4l2_fract *interval = &parameters.parm.capture.timeperframe;
    *interval = (struct v4l2_fract){*numerator, *denominator};
    const int32_t result = request(node.descriptor, VIDIOC_S_PARM, &parameters);
    if (result == 0) {
        *numerator = interval->numerator;
        *denominator = interval->denominator;
    }
    return result;
}

// --- Its signal ---

static bool is_unsupported(int32_t result) {
    return result == -ENOTTY || result == -EINVAL || result == -ENODATA;
}

// No signal, one that cannot be followed, or one that nothing fits.
static bool means_no_signal(int32_t result) {
    return result == -ENOLINK || result == -ENOLCK || result == -ERANGE;
}

// The input that the node captures from; false, or an error, where it is none that knows its signal.
static int32_t current_input(rb_v4l2_node node, struct v4l2_input *input, bool *is_known) {
    int number = 0;
    int32_t result = request(node.descriptor, VIDIOC_G_INPUT, &number);
    if (result == 0) {
        *input = (struct v4l2_input){.index = (uint32_t)number};
        result = request(node.descriptor, VIDIOC_ENUMINPUT, input);
    }
    *is_known = result == 0;
    return is_unsupported(result) ? 0 : result;
}

static bool are_same(const struct v4l2_bt_timings *a, const struct v4l2_bt_timings *b) {
    // Measured clocks vary a little.
    const uint64_t difference =
        a->pixelclock > b->pixelclock ? a->pixelclock - b->pixelclock : b->pixelclock - a->pixelclock;
    return a->width == b->width && a->height == b->height && a->interlaced == b->interlaced &&
           difference <= b->pixelclock / 100;
}

static int32_t timings_signal(rb_v4l2_node node, rb_v4l2_signal *signal) {
    struct v4l2_dv_timings found = {0}, set = {0};
    const int32_t result = request(node.descriptor, VIDIOC_QUERY_DV_TIMINGS, &found);
    if (result != 0) {
        *signal = means_no_signal(result) ? RB_V4L2_SIGNAL_LOST : RB_V4L2_SIGNAL_PRESENT;
        return means_no_signal(result) || is_unsupported(result) ? 0 : result;
    }
    const bool is_set = request(node.descriptor, VIDIOC_G_DV_TIMINGS, &set) == 0 && are_same(&found.bt, &set.bt);
    *signal = is_set ? RB_V4L2_SIGNAL_PRESENT : RB_V4L2_SIGNAL_CHANGED;
    return 0;
}

static int32_t standard_signal(rb_v4l2_node node, rb_v4l2_signal *signal) {
    v4l2_std_id found = 0, set = 0;
    const int32_t result = request(node.descriptor, VIDIOC_QUERYSTD, &found);
    if (result != 0) {
        *signal = means_no_signal(result) ? RB_V4L2_SIGNAL_LOST : RB_V4L2_SIGNAL_PRESENT;
        // Some drivers cannot look while they stream.
        return means_no_signal(result) || is_unsupported(result) || result == -EBUSY ? 0 : result;
    }
    const bool is_set = request(node.descriptor, VIDIOC_G_STD, &set) == 0 && (found & set) != 0;
    *signal = found == V4L2_STD_UNKNOWN ? RB_V4L2_SIGNAL_LOST
              : is_set                  ? RB_V4L2_SIGNAL_PRESENT
                                        : RB_V4L2_SIGNAL_CHANGED;
    return 0;
}

int32_t rb_v4l2_get_signal(rb_v4l2_node node, rb_v4l2_signal *signal) {
    struct v4l2_input input;
    bool is_known = false;
    const int32_t result = current_input(node, &input, &is_known);
    if (result != 0) {
        return result;
    }
    const uint32_t lost = V4L2_IN_ST_NO_POWER | V4L2_IN_ST_NO_SIGNAL | V4L2_IN_ST_NO_H_LOCK | V4L2_IN_ST_NO_V_LOCK |
                          V4L2_IN_ST_NO_STD_LOCK | V4L2_IN_ST_NO_SYNC | V4L2_IN_ST_NO_CARRIER;
    *signal = is_known && (input.status & lost) != 0 ? RB_V4L2_SIGNAL_LOST : RB_V4L2_SIGNAL_NONE;
    if (!is_known || *signal == RB_V4L2_SIGNAL_LOST) {
        return 0;
    }
    if (input.capabilities & V4L2_IN_CAP_DV_TIMINGS) {
        return timings_signal(node, signal);
    }
    return input.capabilities & V4L2_IN_CAP_STD ? standard_signal(node, signal) : 0;
}

int32_t rb_v4l2_follow_signal(rb_v4l2_node node) {
    struct v4l2_input input;
    bool is_known = false;
    int32_t result = current_input(node, &input, &is_known);
    if (result != 0 || !is_known) {
        return result;
    }
    if (input.capabilities & V4L2_IN_CAP_DV_TIMINGS) {
        struct v4l2_dv_timings found = {0};
        result = request(node.descriptor, VIDIOC_QUERY_DV_TIMINGS, &found);
        return result == 0 ? request(node.descriptor, VIDIOC_S_DV_TIMINGS, &found) : result;
    }
    v4l2_std_id found = 0;
    result = request(node.descriptor, VIDIOC_QUERYSTD, &found);
    return result == 0 ? request(node.descriptor, VIDIOC_S_STD, &found) : result;
}

// --- Its events ---

int32_t rb_v4l2_subscribe(rb_v4l2_node node) {
    struct v4l2_event_subscription subscription = {.type = V4L2_EVENT_SOURCE_CHANGE};
    return request(node.descriptor, VIDIOC_SUBSCRIBE_EVENT, &subscription);
}

int32_t rb_v4l2_next_event(rb_v4l2_node node, bool *is_source_change) {
    struct v4l2_event event = {0};
    const int32_t result = request(node.descriptor, VIDIOC_DQEVENT, &event);
    if (result == 0) {
        *is_source_change = event.type == V4L2_EVENT_SOURCE_CHANGE;
    }
    return result;
}

int32_t rb_v4l2_wait(rb_v4l2_node node, uint64_t deadline_ns, bool *has_event) {
    int16_t found = 0;
    const int32_t result = rb_wait_for(node.descriptor, POLLIN | POLLPRI, deadline_ns, &found);
    // A node that failed says everything at once: taking a buffer tells why.
    *has_event = result == 0 && (found & (POLLPRI | POLLERR)) == POLLPRI;
    return result;
}
