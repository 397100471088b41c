// systemd's notification protocol, as sd_notify(3) describes it: datagrams of "NAME=value" lines to a Unix socket.
#define _GNU_SOURCE
#include "include/platform.h"
#include "unix_address.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int32_t rb_notify(const char *name, const void *message, size_t count) {
    if (*name != '/' && *name != '@') {
        return -EAFNOSUPPORT;
    }
    struct sockaddr_un address;
    const int32_t length = rb_unix_address(name, &address);
    if (length < 0) {
        return length;
    }
    // One for every message: they are few, and a manager that was restarted has another socket under the same name.
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -errno;
    }
    ssize_t sent;
    do {
        sent = sendto(descriptor, message, count, MSG_NOSIGNAL, (const struct sockaddr *)&address, (socklen_t)length);
    } while (sent < 0 && errno == EINTR);
    const int32_t result = sent < 0 ? -errno : 0;
    close(descriptor);
    return result;
}

// Reads a whole string as a decimal number.
static bool read_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

uint64_t rb_watchdog_us(const char *interval, const char *process) {
    uint64_t number;
    // The variables are inherited: the manager may watch another process.
    if (process && (!read_number(process, &number) || number != (uint64_t)getpid())) {
        return 0;
    }
    return interval && read_number(interval, &number) ? number : 0;
}
