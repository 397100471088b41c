#define _GNU_SOURCE
#include "include/platform.h"
#include <time.h>

enum { NS_PER_S = 1000000000 };

uint64_t rb_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t rb_time_of_day(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

rb_utc rb_utc_of(int64_t time_of_day) {
    const int64_t last = 253402300799; // of the year 9999
    const time_t time = (time_t)(time_of_day < 0 ? 0 : time_of_day < last ? time_of_day : last);
    struct tm parts;
    gmtime_r(&time, &parts);
    return (rb_utc){parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec};
}
