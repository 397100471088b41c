// Which video nodes there are, and where each is plugged in.
#define _GNU_SOURCE
#include "include/v4l2.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { NODE_COUNT = 256 }; // Linux numbers video nodes below this

void rb_v4l2_node_path(int32_t number, char path[RB_V4L2_PATH_BYTES]) {
    char digits[4];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    char *end = stpcpy(path, "/dev/video");
    while (count > 0) {
        *end++ = digits[--count];
    }
    *end = '\0';
}

int32_t rb_v4l2_next_node(int32_t from) {
    char path[RB_V4L2_PATH_BYTES];
    for (int32_t number = from; number < NODE_COUNT; number++) {
        rb_v4l2_node_path(number, path);
        if (access(path, F_OK) == 0) {
            return number;
        }
    }
    return -1;
}

// The first line of a file of sysfs about a device; empty where there is none.
static void read_line(const char *sysfs, dev_t device, const char *name, char *line, size_t size) {
    line[0] = '\0';
    char path[256];
    const int length = snprintf(path, sizeof path, "%s/dev/char/%u:%u/%s", sysfs, major(device), minor(device), name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return;
    }
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    const ssize_t count = read(file, line, size - 1);
    close(file);
    line[count > 0 ? count : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

void rb_v4l2_find_place(const char *sysfs, int32_t descriptor, rb_v4l2_place *place) {
    *place = (rb_v4l2_place){.index = 0};
    struct stat status;
    if (fstat(descriptor, &status) < 0) {
        return;
    }
    char index[16];
    read_line(sysfs, status.st_rdev, "index", index, sizeof index);
    place->index = (int32_t)strtol(index, NULL, 10);
    // The node belongs to an interface of the USB device; ".." goes up from where the link leads.
    read_line(sysfs, status.st_rdev, "device/../serial", place->serial, sizeof place->serial);
}
