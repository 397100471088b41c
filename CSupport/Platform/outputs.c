// Records to pipes, sockets and files, without ever waiting.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include "opening.h"
#include "unix_address.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// What a descriptor takes at once: bytes, 0 where it has no room, or a negative error number.
static ptrdiff_t write_once(int descriptor, const uint8_t *bytes, size_t count) {
    ssize_t written = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK) {
        // O_NONBLOCK would bind everybody who shares the open pipe or terminal, such as the shell. Where there is room
        // in a pipe, there is room for PIPE_BUF bytes.
        struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
        if (poll(&writable, 1, 0) <= 0) {
            return 0;
        }
        written = write(descriptor, bytes, count < PIPE_BUF ? count : PIPE_BUF);
    }
    if (written < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    return written;
}

ptrdiff_t rb_write_some(int32_t descriptor, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    size_t left = count;
    while (left > 0) {
        const ptrdiff_t written = write_once(descriptor, next, left);
        if (written <= 0) {
            return left < count ? (ptrdiff_t)(count - left) : written;
        }
        next += written;
        left -= (size_t)written;
    }
    return (ptrdiff_t)count;
}

void rb_write_until(int32_t descriptor, const void *bytes, size_t count, uint64_t deadline_ns) {
    const uint8_t *next = bytes;
    size_t left = count;
    while (left > 0) {
        const ptrdiff_t written = rb_write_some(descriptor, next, left);
        const uint64_t now = rb_clock_ns();
        if (written < 0 || now >= deadline_ns) {
            return;
        }
        next += written;
        left -= (size_t)written;
        enum { STEP_MS = 10 };
        struct pollfd writable = {.fd = descriptor, .events = POLLOUT};
        poll(&writable, 1, STEP_MS);
    }
}

// A line that a power cut or a full disk has cut stays alone.
static int32_t end_last_line(int descriptor, uint64_t *size) {
    char last = '\n';
    if (*size > 0 && pread(descriptor, &last, 1, (off_t)*size - 1) == 1 && last != '\n') {
        const int32_t status = rb_append_whole(descriptor, "\n", 1, *size);
        *size += status == 0;
        return status;
    }
    return 0;
}

int32_t rb_open_appending(const char *path, rb_output_file *file) {
    const int32_t descriptor = rb_open_output(path, true, file);
    if (descriptor < 0 || !file->is_regular) {
        return descriptor;
    }
    const int32_t result = end_last_line(descriptor, &file->count);
    if (result != 0) {
        rb_close(descriptor);
        return result;
    }
    return descriptor;
}

int32_t rb_append_whole(int32_t descriptor, const void *bytes, size_t count, uint64_t size) {
    const uint8_t *next = bytes;
    size_t left = count;
    while (left > 0) {
        const ssize_t written = write(descriptor, next, left);
        if (written < 0 && errno != EINTR) {
            const int error = errno;
            // Half a record is none.
            return ftruncate(descriptor, (off_t)size) == 0 ? -error : -errno;
        }
        next += written < 0 ? 0 : written;
        left -= written < 0 ? 0 : (size_t)written;
    }
    return 0;
}

// "path.3", or for 0 the path itself. False where it is too long.
static bool numbered_path(const char *path, int32_t number, char result[PATH_MAX]) {
    const int length =
        number == 0 ? snprintf(result, PATH_MAX, "%s", path) : snprintf(result, PATH_MAX, "%s.%d", path, (int)number);
    return length > 0 && length < PATH_MAX;
}

int32_t rb_rename_numbered(const char *path, int32_t from, int32_t to) {
    char old[PATH_MAX], new[PATH_MAX];
    if (!numbered_path(path, from, old) || !numbered_path(path, to, new)) {
        return -ENAMETOOLONG;
    }
    struct stat file;
    if (lstat(old, &file) != 0) {
        return -errno;
    }
    // What stands there by chance is not moved either.
    const int32_t fault = S_ISREG(file.st_mode) ? rb_check_output(&file, NULL) : -EINVAL;
    if (fault != 0 && !(fault == -RB_EISOUTPUT && from == 0)) {
        return fault;
    }
    if (lstat(new, &file) == 0) {
        const int32_t obstacle = S_ISREG(file.st_mode) ? rb_check_output(&file, NULL) : -EEXIST;
        if (obstacle != 0) {
            return obstacle;
        }
    }
    return rename(old, new) == 0 ? 0 : -errno;
}

// Whether somebody listens at an address.
static bool is_served(const struct sockaddr_un *address, socklen_t length) {
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return true;
    }
    const bool refused = connect(descriptor, (const struct sockaddr *)address, length) != 0 && errno == ECONNREFUSED;
    close(descriptor);
    return !refused;
}

static int32_t bind_socket(int descriptor, const char *path) {
    struct sockaddr_un address;
    const int32_t length = rb_unix_address(path, &address);
    if (length < 0) {
        return length;
    }
    if (bind(descriptor, (const struct sockaddr *)&address, (socklen_t)length) == 0) {
        return 0;
    }
    const int error = errno;
    struct stat status;
    // What a program that was killed has left behind goes; anything else stays.
    if (error == EADDRINUSE && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        !is_served(&address, (socklen_t)length) && unlink(path) == 0) {
        return bind(descriptor, (const struct sockaddr *)&address, (socklen_t)length) == 0 ? 0 : -errno;
    }
    return -error;
}

int32_t rb_unix_listen(const char *path) {
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -errno;
    }
    enum { BACKLOG = 8 };
    int32_t result = bind_socket(descriptor, path);
    if (result == 0 && listen(descriptor, BACKLOG) != 0) {
        result = -errno;
    }
    if (result != 0) {
        close(descriptor);
        return result;
    }
    return descriptor;
}

int32_t rb_accept(int32_t listener) {
    const int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int32_t rb_remove_file(const char *path) {
    return unlink(path) == 0 ? 0 : -errno;
}
