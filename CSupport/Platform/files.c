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

int32_t rb_rewind(int32_t descriptor) {
    return lseek(descriptor, 0, SEEK_SET) == 0 ? 0 : -errno;
}

rb_path_kind rb_kind_of_path(const char *path) {
    struct stat found;
    if (stat(path, &found) != 0) {
        return RB_PATH_NOTHING;
    }
    return S_ISREG(found.st_mode) ? RB_PATH_FILE : S_ISDIR(found.st_mode) ? RB_PATH_FOLDER : RB_PATH_OTHER;
}
