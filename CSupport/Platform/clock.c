#define _GNU_SOURCE
#include "include/platform.h"
#include <time.h>

enum { NS_PER_S = 1000000000 };

uint64_t rb_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
