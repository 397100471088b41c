// Reading files, without the rules for a program's inputs and outputs: the library reads so too.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int32_t rb_open_regular(const char *path, rb_file_state *state) {
    return rb_open_regular_in(AT_FDCWD, path, state);
}

int32_t rb_open_regular_in(int32_t folder, const char *path, rb_file_state *state) {
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    const int descriptor = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return -errno;
    }
    struct stat file;
    const int32_t fault = fstat(descriptor, &file) != 0 ? -errno
                          : S_ISDIR(file.st_mode)       ? -EISDIR
                          : !S_ISREG(file.st_mode)      ? -ENODEV
                                                        : rb_file_state_of(descriptor, state);
    if (fault != 0) {
        close(descriptor);
        return fault;
    }
    return descriptor;
}

void rb_close_input(int32_t descriptor) {
    close(descriptor);
}

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
