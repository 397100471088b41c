// Writing a recording: each part of it whole, or not at all.
#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_SPANS = 8 };

// Drops what was written of the spans.
static int32_t skip(struct iovec *spans, int32_t count, size_t written) {
    int32_t first = 0;
    while (first < count && written >= spans[first].iov_len) {
        written -= spans[first++].iov_len;
    }
    if (first < count) {
        spans[first].iov_base = (uint8_t *)spans[first].iov_base + written;
        spans[first].iov_len -= written;
    }
    return first;
}

int64_t rb_write_spans(int32_t descriptor, uint64_t offset, const rb_span *spans, int32_t count) {
    struct iovec left[MOST_SPANS];
    if (count < 0 || count > MOST_SPANS) {
        return -EINVAL;
    }
    for (int32_t i = 0; i < count; i++) {
        left[i] = (struct iovec){(void *)(uintptr_t)spans[i].bytes, spans[i].count};
    }
    uint64_t end = offset;
    int32_t first = skip(left, count, 0);
    while (first < count) {
        const ssize_t written = pwritev(descriptor, left + first, count - first, (off_t)end);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            const int32_t failure = written < 0 ? -errno : -EIO;
            // Where this fails as well, the rest of the part stays: a reader leaves it out.
            return ftruncate(descriptor, (off_t)offset) < 0 ? failure : failure;
        }
        end += (uint64_t)written;
        first += skip(left + first, count - first, (size_t)written);
    }
    return (int64_t)(end - offset);
}

int64_t rb_write_spans_to_stream(int32_t descriptor, uint64_t patience_ns, const rb_span *spans, int32_t count) {
    int64_t total = 0;
    for (int32_t i = 0; i < count; i++) {
        const uint8_t *next = spans[i].bytes;
        size_t left = spans[i].count;
        while (left > 0) {
            const ssize_t written = write(descriptor, next, left);
            if (written > 0) {
                next += written;
                left -= (size_t)written;
                total += written;
            } else if (written == 0 || (errno != EAGAIN && errno != EINTR)) {
                return total > 0 ? -RB_EPIPE : written == 0 ? -EIO : -errno;
            } else if (errno == EAGAIN && rb_wait_writable(descriptor, rb_clock_ns() + patience_ns) != 0) {
                // What is half written spoils everything behind it.
                return total > 0 ? -RB_EPIPE : -RB_EAGAIN;
            }
        }
    }
    return total;
}
