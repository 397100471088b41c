#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <poll.h>
#include <time.h>

enum {
    NS_PER_S = 1000000000,
    LONGEST_WAIT_S = 3600, // of one call: a time of 32 bits holds it
};

int32_t rb_wait_for(int32_t descriptor, int16_t events, uint64_t deadline_ns, int16_t *happened) {
    struct pollfd waited = {.fd = descriptor, .events = events};
    while (!rb_stop_requested()) {
        const uint64_t now = rb_clock_ns();
        const uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
        const uint64_t seconds = left / NS_PER_S;
        const struct timespec timeout = {.tv_sec = seconds < LONGEST_WAIT_S ? (time_t)seconds : LONGEST_WAIT_S,
                                         .tv_nsec = (long)(left % NS_PER_S)};
        const int ready = ppoll(&waited, 1, &timeout, NULL);
        if (ready > 0) {
            *happened = waited.revents;
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            return -errno;
        }
        if (ready == 0 && left == 0) {
            return -ETIMEDOUT;
        }
    }
    return -EINTR;
}

int32_t rb_wait_writable(int32_t descriptor, uint64_t deadline_ns) {
    int16_t happened;
    return rb_wait_for(descriptor, POLLOUT, deadline_ns, &happened);
}

void rb_sleep_until(uint64_t time_ns) {
    const struct timespec end = {.tv_sec = (time_t)(time_ns / NS_PER_S), .tv_nsec = (long)(time_ns % NS_PER_S)};
    while (!rb_stop_requested() && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
    }
}
