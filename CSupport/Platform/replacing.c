// Replacing a file by other bytes: whole, or not at all.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include "opening.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int32_t write_to(const char *path, const void *bytes, size_t count) {
    const int descriptor = rb_open_for_writing(path, O_WRONLY);
    if (descriptor < 0) {
        return descriptor;
    }
    // The reader of a pipe may take its time.
    const int32_t status = fcntl(descriptor, F_SETFL, 0) == 0 ? rb_write_all(descriptor, bytes, count) : -errno;
    close(descriptor);
    return status;
}

static int32_t fill(int descriptor, mode_t mode, const void *bytes, size_t count) {
    const int32_t status = rb_write_all(descriptor, bytes, count);
    if (status != 0) {
        return status;
    }
    return fchmod(descriptor, mode) == 0 && fsync(descriptor) == 0 ? 0 : -errno;
}

// Written aside in the same folder, synchronised, renamed.
static int32_t replace(const char *path, mode_t mode, const void *bytes, size_t count) {
    char aside[RB_PATH_BYTES + 8];
    snprintf(aside, sizeof aside, "%s.XXXXXX", path);
    const int descriptor = mkstemp(aside);
    if (descriptor < 0) {
        return -errno;
    }
    int32_t status = fill(descriptor, mode, bytes, count);
    if (close(descriptor) != 0 && status == 0) {
        status = -errno;
    }
    if (status == 0 && rename(aside, path) != 0) {
        status = -errno;
    }
    if (status != 0) {
        unlink(aside);
    }
    return status;
}

static mode_t mode_of_new_files(void) {
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

int32_t rb_replace_file(const char *path, const void *bytes, size_t count) {
    char target[RB_PATH_BYTES];
    struct stat file;
    if (stat(path, &file) == 0) {
        const int32_t fault = rb_check_output(&file, path);
        if (fault != 0) {
            return fault;
        }
        if (!S_ISREG(file.st_mode)) {
            return write_to(path, bytes, count);
        }
        const int32_t status = rb_real_path(path, target);
        return status == 0 ? replace(target, file.st_mode & 07777, bytes, count) : status;
    }
    if (lstat(path, &file) != 0) {
        return snprintf(target, sizeof target, "%s", path) < (int)sizeof target
                   ? replace(target, mode_of_new_files(), bytes, count)
                   : -ENAMETOOLONG;
    }
    // A link to a file that is not there: made, so that it can be replaced like any other.
    const int descriptor = rb_open_for_writing(path, O_WRONLY);
    if (descriptor < 0) {
        return descriptor;
    }
    close(descriptor);
    int32_t status = rb_real_path(path, target);
    if (status == 0) {
        status = replace(target, mode_of_new_files(), bytes, count);
        if (status != 0) {
            unlink(target);
        }
    }
    return status;
}
