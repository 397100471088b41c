// The buffers of Video4Linux capture nodes, memory-mapped, and their stream.
#define _GNU_SOURCE
#include "v4l2_request.h"
#include <sys/mman.h>

int32_t rb_v4l2_request_buffers(rb_v4l2_node node, uint32_t *count) {
    struct v4l2_requestbuffers answer = {.count = *count, .type = capture_type(node), .memory = V4L2_MEMORY_MMAP};
    const int32_t result = request(node.descriptor, VIDIOC_REQBUFS, &answer);
    if (result == 0) {
        *count = answer.count;
    }
    return result;
}

// A buffer as a request names it. `planes` is what V4L2 calls the memories.
static struct v4l2_buffer named_buffer(rb_v4l2_node node, uint32_t index, struct v4l2_plane *planes, uint32_t count) {
    struct v4l2_buffer buffer = {.index = index, .type = capture_type(node), .memory = V4L2_MEMORY_MMAP};
    if (node.has_planes) {
        buffer.m.planes = planes;
        buffer.length = count;
    }
    return buffer;
}

int32_t rb_v4l2_map_buffer(rb_v4l2_node node, uint32_t index, uint32_t memories, rb_memory mapped[RB_V4L2_MEMORIES]) {
    struct v4l2_plane planes[VIDEO_MAX_PLANES] = {0};
    struct v4l2_buffer buffer = named_buffer(node, index, planes, VIDEO_MAX_PLANES);
    const int32_t result = request(node.descriptor, VIDIOC_QUERYBUF, &buffer);
    if (result != 0) {
        return result;
    }
    if (memories > RB_V4L2_MEMORIES || (node.has_planes ? buffer.length < memories : memories != 1)) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < memories; i++) {
        const uint32_t length = node.has_planes ? planes[i].length : buffer.length;
        const off_t offset = (off_t)(node.has_planes ? planes[i].m.mem_offset : buffer.m.offset);
        void *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, node.descriptor, offset);
        if (bytes == MAP_FAILED) {
            const int32_t failure = -errno;
            while (i > 0) {
                rb_unmap(&mapped[--i]);
            }
            return failure;
        }
        mapped[i] = (rb_memory){bytes, length};
    }
    return 0;
}

int32_t rb_v4l2_queue(rb_v4l2_node node, uint32_t index, uint32_t memories) {
    struct v4l2_plane planes[VIDEO_MAX_PLANES] = {0};
    struct v4l2_buffer buffer = named_buffer(node, index, planes, memories);
    return request(node.descriptor, VIDIOC_QBUF, &buffer);
}

// A time before the clock's beginning, which a driver can give too, becomes one in the far future.
static uint64_t monotonic_ns(const struct v4l2_buffer *buffer) {
    if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) {
        return 0;
    }
    return (uint64_t)buffer->timestamp.tv_sec * 1000000000 + (uint64_t)buffer->timestamp.tv_usec * 1000;
}

int32_t rb_v4l2_dequeue(rb_v4l2_node node, uint32_t memories, rb_v4l2_buffer *buffer) {
    struct v4l2_plane planes[VIDEO_MAX_PLANES] = {0};
    struct v4l2_buffer filled = named_buffer(node, 0, planes, VIDEO_MAX_PLANES);
    const int32_t result = request(node.descriptor, VIDIOC_DQBUF, &filled);
    if (result != 0) {
        return result;
    }
    *buffer = (rb_v4l2_buffer){.index = filled.index,
                               .sequence = filled.sequence,
                               .is_corrupt = (filled.flags & V4L2_BUF_FLAG_ERROR) != 0,
                               .timestamp_ns = monotonic_ns(&filled)};
    for (uint32_t i = 0; i < memories && i < RB_V4L2_MEMORIES; i++) {
        buffer->bytes_used[i] = node.has_planes ? planes[i].bytesused : filled.bytesused;
        buffer->data_offset[i] = node.has_planes ? planes[i].data_offset : 0;
    }
    return 0;
}

int32_t rb_v4l2_stream_on(rb_v4l2_node node) {
    int type = (int)capture_type(node);
    return request(node.descriptor, VIDIOC_STREAMON, &type);
}

int32_t rb_v4l2_stream_off(rb_v4l2_node node) {
    int type = (int)capture_type(node);
    return request(node.descriptor, VIDIOC_STREAMOFF, &type);
}
