// Video4Linux capture nodes, single-planar, with memory-mapped buffers.
#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NODE_COUNT = 256 }; // Linux numbers video nodes below this

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
               "platform.h repeats V4L2's capabilities");

static int32_t request(int32_t descriptor, unsigned long number, void *argument) {
    int result;
    do {
        result = ioctl(descriptor, number, argument);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

void rb_v4l2_node_path(int32_t number, char path[RB_V4L2_PATH_BYTES]) {
    char digits[4];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    char *end = stpcpy(path, "/dev/video");
    while (count > 0) {
        *end++ = digits[--count];
    }
    *end = '\0';
}

int32_t rb_v4l2_next_node(int32_t from) {
    char path[RB_V4L2_PATH_BYTES];
    for (int32_t number = from; number < NODE_COUNT; number++) {
        rb_v4l2_node_path(number, path);
        if (access(path, F_OK) == 0) {
            return number;
        }
    }
    return -1;
}

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

int32_t rb_v4l2_enumerate_format(int32_t descriptor, uint32_t index, uint32_t *fourcc) {
    struct v4l2_fmtdesc answer = {.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    const int32_t result = request(descriptor, VIDIOC_ENUM_FMT, &answer);
    if (result == 0) {
        *fourcc = answer.pixelformat;
    }
    return result;
}

int32_t rb_v4l2_enumerate_sizes(int32_t descriptor, uint32_t fourcc, uint32_t index, rb_v4l2_sizes *sizes) {
    struct v4l2_frmsizeenum answer = {.index = index, .pixel_format = fourcc};
    const int32_t result = request(descriptor, VIDIOC_ENUM_FRAMESIZES, &answer);
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

int32_t rb_v4l2_enumerate_intervals(int32_t descriptor, uint32_t fourcc, uint32_t width, uint32_t height,
                                    uint32_t index, rb_v4l2_intervals *intervals) {
    struct v4l2_frmivalenum answer = {.index = index, .pixel_format = fourcc, .width = width, .height = height};
    const int32_t result = request(descriptor, VIDIOC_ENUM_FRAMEINTERVALS, &answer);
    if (result == 0) {
        const bool is_one = answer.type == V4L2_FRMIVAL_TYPE_DISCRETE;
        const struct v4l2_fract least = is_one ? answer.discrete : answer.stepwise.min;
        const struct v4l2_fract most = is_one ? answer.discrete : answer.stepwise.max;
        *intervals = (rb_v4l2_intervals){least.numerator, least.denominator, most.numerator, most.denominator};
    }
    return result;
}

static int32_t exchange_format(int32_t descriptor, unsigned long number, rb_v4l2_format *format) {
    struct v4l2_format answer = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    struct v4l2_pix_format *pixels = &answer.fmt.pix;
    pixels->pixelformat = format->fourcc;
    pixels->width = format->width;
    pixels->height = format->height;
    pixels->field = V4L2_FIELD_NONE;
    const int32_t result = request(descriptor, number, &answer);
    if (result == 0) {
        *format = (rb_v4l2_format){pixels->pixelformat, pixels->width, pixels->height, pixels->bytesperline,
                                   pixels->sizeimage};
    }
    return result;
}

int32_t rb_v4l2_get_format(int32_t descriptor, rb_v4l2_format *format) {
    return exchange_format(descriptor, VIDIOC_G_FMT, format);
}

int32_t rb_v4l2_set_format(int32_t descriptor, rb_v4l2_format *format) {
    return exchange_format(descriptor, VIDIOC_S_FMT, format);
}

int32_t rb_v4l2_set_interval(int32_t descriptor, uint32_t numerator, uint32_t denominator) {
    struct v4l2_streamparm parameters = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    parameters.parm.capture.timeperframe = (struct v4l2_fract){numerator, denominator};
    return request(descriptor, VIDIOC_S_PARM, &parameters);
}

int32_t rb_v4l2_request_buffers(int32_t descriptor, uint32_t *count) {
    struct v4l2_requestbuffers answer = {
        .count = *count, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
    const int32_t result = request(descriptor, VIDIOC_REQBUFS, &answer);
    if (result == 0) {
        *count = answer.count;
    }
    return result;
}

static struct v4l2_buffer mapped_buffer(uint32_t index) {
    return (struct v4l2_buffer){.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
}

int32_t rb_v4l2_map_buffer(int32_t descriptor, uint32_t index, rb_memory *memory) {
    struct v4l2_buffer buffer = mapped_buffer(index);
    const int32_t result = request(descriptor, VIDIOC_QUERYBUF, &buffer);
    if (result != 0) {
        return result;
    }
    void *bytes = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, (off_t)buffer.m.offset);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    *memory = (rb_memory){bytes, buffer.length};
    return 0;
}

int32_t rb_v4l2_queue(int32_t descriptor, uint32_t index) {
    struct v4l2_buffer buffer = mapped_buffer(index);
    return request(descriptor, VIDIOC_QBUF, &buffer);
}

static uint64_t monotonic_ns(const struct v4l2_buffer *buffer) {
    if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) {
        return 0;
    }
    return (uint64_t)buffer->timestamp.tv_sec * 1000000000 + (uint64_t)buffer->timestamp.tv_usec * 1000;
}

int32_t rb_v4l2_dequeue(int32_t descriptor, rb_v4l2_buffer *buffer) {
    struct v4l2_buffer filled = mapped_buffer(0);
    const int32_t result = request(descriptor, VIDIOC_DQBUF, &filled);
    if (result == 0) {
        *buffer = (rb_v4l2_buffer){filled.index, filled.bytesused, filled.sequence,
                                   (filled.flags & V4L2_BUF_FLAG_ERROR) != 0, monotonic_ns(&filled)};
    }
    return result;
}

int32_t rb_v4l2_stream_on(int32_t descriptor) {
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    return request(descriptor, VIDIOC_STREAMON, &type);
}

int32_t rb_v4l2_stream_off(int32_t descriptor) {
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    return request(descriptor, VIDIOC_STREAMOFF, &type);
}
