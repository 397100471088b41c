#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include "opening.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

ptrdiff_t rb_read_at(int32_t descriptor, uint64_t offset, void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        const ssize_t got = pread(descriptor, (uint8_t *)bytes + done, count - done, (off_t)(offset + done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        done += got < 0 ? 0 : (size_t)got;
    }
    return (ptrdiff_t)done;
}

int32_t rb_file_state_of(int32_t descriptor, rb_file_state *state) {
    struct stat file;
    if (fstat(descriptor, &file) != 0) {
        return -errno;
    }
    *state = (rb_file_state){
        .count = (uint64_t)file.st_size, .changed_s = file.st_mtim.tv_sec, .changed_ns = file.st_mtim.tv_nsec};
    return 0;
}

ptrdiff_t rb_read_file(const char *path, void *bytes, size_t capacity) {
    rb_file_state state;
    const int32_t descriptor = rb_open_input(path, &state);
    if (descriptor < 0) {
        return descriptor;
    }
    ptrdiff_t count = rb_read_at(descriptor, 0, bytes, capacity);
    uint8_t one_more;
    if (count == (ptrdiff_t)capacity && rb_read_at(descriptor, capacity, &one_more, 1) != 0) {
        count = -EFBIG;
    }
    close(descriptor);
    return count;
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

size_t rb_give_back(void *bytes, size_t count) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)bytes;
    const uintptr_t first = (start + page - 1) / page * page, end = (start + count) / page * page;
    if (end <= first) {
        return 0;
    }
    madvise((void *)first, end - first, MADV_DONTNEED); // where this fails, they stay
    return end - start;
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
    rb_forget_output(descriptor);
    close(descriptor);
}

bool rb_is_terminal(int32_t descriptor) {
    return isatty(descriptor) == 1;
}

int32_t rb_terminal_columns(int32_t descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
