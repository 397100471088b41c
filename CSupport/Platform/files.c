#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t map_descriptor(int descriptor, rb_memory *memory) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return S_ISDIR(status.st_mode) ? -EISDIR : -ENODEV;
    }
    if ((uint64_t)status.st_size > PTRDIFF_MAX) {
        return -EFBIG;
    }
    const rb_memory mapped = {.count = (size_t)status.st_size};
    if (mapped.count == 0) {
        *memory = mapped;
        return 0;
    }
    void *bytes = mmap(NULL, mapped.count, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    *memory = (rb_memory){bytes, mapped.count};
    return 0;
}

int32_t rb_map_file(const char *path, rb_memory *memory) {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return -errno;
    }
    const int32_t result = map_descriptor(descriptor, memory);
    close(descriptor);
    return result;
}

static ptrdiff_t read_descriptor(int descriptor, uint8_t *bytes, size_t capacity) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return S_ISDIR(status.st_mode) ? -EISDIR : -ENODEV;
    }
    size_t count = 0;
    for (;;) {
        uint8_t one_more;
        const bool is_full = count == capacity;
        const ssize_t got = read(descriptor, is_full ? &one_more : bytes + count, is_full ? 1 : capacity - count);
        if (got == 0) {
            return (ptrdiff_t)count;
        }
        if (got < 0) {
            return -errno;
        }
        if (is_full) {
            return -EFBIG;
        }
        count += (size_t)got;
    }
}

ptrdiff_t rb_read_file(const char *path, void *bytes, size_t capacity) {
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return -errno;
    }
    const ptrdiff_t result = read_descriptor(descriptor, bytes, capacity);
    close(descriptor);
    return result;
}

int32_t rb_map_memory(size_t count, rb_memory *memory) {
    void *bytes = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    *memory = (rb_memory){bytes, count};
    return 0;
}

void rb_unmap(rb_memory *memory) {
    if (memory->bytes) {
        munmap(memory->bytes, memory->count);
    }
    *memory = (rb_memory){0};
}

int32_t rb_write_all(int32_t descriptor, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    while (count > 0) {
        const ssize_t written = write(descriptor, next, count);
        if (written >= 0) {
            next += written;
            count -= (size_t)written;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int32_t rb_open_nobody(void) {
    const int descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

void rb_close(int32_t descriptor) {
    close(descriptor);
}

bool rb_is_terminal(int32_t descriptor) {
    return isatty(descriptor) == 1;
}

int32_t rb_terminal_columns(int32_t descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
