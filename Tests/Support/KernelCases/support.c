#define _GNU_SOURCE
#include "support.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

uint32_t rb_random_bits(rb_random *random) {
    const uint64_t state = random->state;
    random->state = state * 6364136223846793005u + 1442695040888963407u;
    const uint32_t shifted = (uint32_t)(((state >> 18) ^ state) >> 27);
    const uint32_t rotation = (uint32_t)(state >> 59);
    return (shifted >> rotation) | (shifted << ((32 - rotation) & 31));
}

int32_t rb_random_in(rb_random *random, int32_t low, int32_t high) {
    return low + (int32_t)(rb_random_bits(random) % (uint32_t)(high - low + 1));
}

float rb_random_float(rb_random *random, int32_t exponent) {
    return ldexpf((float)rb_random_in(random, -32767, 32767), exponent - 15);
}

uint32_t rb_crc32(uint32_t crc, const void *bytes, size_t count) {
    crc = ~crc;
    for (const uint8_t *byte = bytes; count > 0; byte++, count--) {
        crc ^= *byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}

rb_guarded rb_guarded_make(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t inside = (bytes + page - 1) / page * page;
    uint8_t *pages = mmap(NULL, inside + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page, inside, PROT_READ | PROT_WRITE) != 0) {
        perror("guarded memory");
        abort();
    }
    return (rb_guarded){pages + page, pages + page + inside};
}

void rb_guarded_free(rb_guarded *memory) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(memory->begin - page, (size_t)(memory->end - memory->begin) + 2 * page);
}

void *rb_guarded_place(const rb_guarded *memory, size_t bytes, bool at_front) {
    if (bytes > (size_t)(memory->end - memory->begin)) {
        fprintf(stderr, "a case needs %zu bytes, more than its guarded memory\n", bytes);
        abort();
    }
    return at_front ? memory->begin : memory->end - bytes;
}
