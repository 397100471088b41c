// Writing a recording: each part of it whole, or not at all.
#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_SPANS = 8 };

int32_t rb_create_file(const char *path) {
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
    if (descriptor < 0) {
        return -errno;
    }
    struct stat status;
    if (fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        return -EINVAL;
    }
    return descriptor;
}

bool rb_is_same_file(const char *path, const char *other) {
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

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
