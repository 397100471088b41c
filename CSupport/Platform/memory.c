#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

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
