// Folders: the names in one, and files in it that are on the disk before anybody is told of them.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int32_t rb_open_folder(const char *path) {
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? -errno : folder;
}

int32_t rb_own_folder(const char *path) {
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return -errno;
    }
    const int32_t folder = rb_open_folder(path);
    if (folder < 0) {
        return folder;
    }
    const bool is_ours = faccessat(folder, ".", W_OK | X_OK, 0) == 0 && flock(folder, LOCK_EX | LOCK_NB) == 0;
    if (!is_ours) {
        const int error = errno == EWOULDBLOCK ? EBUSY : errno;
        close(folder);
        return -error;
    }
    return folder;
}

// As the kernel writes it; the C library's own reader of folders takes memory.
typedef struct {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
} entry;

int32_t rb_each_name(int32_t folder, rb_take_name take, void *context) {
    _Alignas(entry) char entries[16 * 1024];
    if (lseek(folder, 0, SEEK_SET) < 0) {
        return -errno;
    }
    for (;;) {
        const long count = syscall(SYS_getdents64, folder, entries, sizeof entries);
        if (count <= 0) {
            return count < 0 ? -errno : 0;
        }
        for (long i = 0; i < count; i += ((entry *)(entries + i))->bytes) {
            const char *name = ((entry *)(entries + i))->name;
            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
                take(context, name);
            }
        }
    }
}

int64_t rb_bytes_in(int32_t folder, const char *name) {
    struct stat file;
    if (fstatat(folder, name, &file, AT_SYMLINK_NOFOLLOW) != 0) {
        return -errno;
    }
    return S_ISREG(file.st_mode) ? file.st_size : -EINVAL;
}

int32_t rb_write_in(int32_t folder, const char *name, const void *bytes, size_t count) {
    const int descriptor = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return -errno;
    }
    int32_t status = rb_write_all(descriptor, bytes, count);
    if (status == 0 && fsync(descriptor) != 0) {
        status = -errno;
    }
    if (close(descriptor) != 0 && status == 0) {
        status = -errno;
    }
    if (status != 0) {
        unlinkat(folder, name, 0);
    }
    return status;
}

int32_t rb_rename_in(int32_t folder, const char *from, const char *to) {
    return renameat(folder, from, folder, to) == 0 ? 0 : -errno;
}

int32_t rb_remove_in(int32_t folder, const char *name) {
    return unlinkat(folder, name, 0) == 0 ? 0 : -errno;
}

int32_t rb_sync_folder(int32_t folder) {
    // Not every file system can: there is nothing more to be done then.
    return fsync(folder) == 0 || errno == EINVAL ? 0 : -errno;
}
