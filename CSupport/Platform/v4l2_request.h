// What the files about Video4Linux nodes share.
#pragma once
#include "include/v4l2.h"
#include <errno.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>

static inline int32_t request(int32_t descriptor, unsigned long number, void *argument) {
    int result;
    do {
        result = ioctl(descriptor, number, argument);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static inline uint32_t capture_type(rb_v4l2_node node) {
    return node.has_planes ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
}
