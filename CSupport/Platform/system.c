// What Linux tells about the machine: name, clock, temperature, throttling, memory.
#define _GNU_SOURCE
#include "sysfs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512, ZONES = 64, STATUS_BYTES = 4096 };

// As much of a file's beginning as fits, with a final zero; its length, or -1.
static ssize_t read_start(const char *path, char *text, size_t capacity) {
    text[0] = '\0';
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return -1;
    }
    size_t count = 0;
    ssize_t got;
    while (count < capacity - 1 && ((got = read(descriptor, text + count, capacity - 1 - count)) > 0)) {
        count += (size_t)got;
    }
    close(descriptor);
    text[count] = '\0';
    return (ssize_t)count;
}

bool rb_sysfs_text(const char *root, const char *path, char text[RB_SYSFS_TEXT_BYTES]) {
    char whole[PATH_BYTES];
    const int length = snprintf(whole, sizeof whole, "%s/%s", root, path);
    text[0] = '\0';
    if (length < 0 || length >= PATH_BYTES || read_start(whole, text, RB_SYSFS_TEXT_BYTES) <= 0) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    return text[0] != '\0';
}

bool rb_sysfs_number(const char *root, const char *path, int64_t *number) {
    char text[RB_SYSFS_TEXT_BYTES], *end;
    if (!rb_sysfs_text(root, path, text)) {
        return false;
    }
    *number = strtoll(text, &end, 10);
    return end != text;
}

bool rb_sysfs_cpu_text(const char *root, int32_t cpu, const char *file, char text[RB_SYSFS_TEXT_BYTES]) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "devices/system/cpu/cpu%d/%s", cpu, file);
    return rb_sysfs_text(root, path, text);
}

bool rb_sysfs_cpu_number(const char *root, int32_t cpu, const char *file, int64_t *number) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "devices/system/cpu/cpu%d/%s", cpu, file);
    return rb_sysfs_number(root, path, number);
}

static int32_t hottest_zone(const char *sysfs) {
    int32_t hottest = RB_NOT_TOLD;
    for (int32_t zone = 0; zone < ZONES; zone++) {
        char path[64];
        int64_t temperature;
        snprintf(path, sizeof path, "class/thermal/thermal_zone%d/temp", zone);
        // Sensors that are off say absurd numbers.
        if (rb_sysfs_number(sysfs, path, &temperature) && temperature > 0 && temperature < 200000 &&
            temperature > hottest) {
            hottest = (int32_t)temperature;
        }
    }
    return hottest;
}

void rb_read_conditions(const char *sysfs, int32_t cpu, rb_conditions *conditions) {
    char text[RB_SYSFS_TEXT_BYTES];
    int64_t number;
    *conditions = (rb_conditions){.frequency_khz = RB_NOT_TOLD, .pi_throttling = RB_NOT_TOLD, .throttles = RB_NOT_TOLD};
    if (rb_sysfs_cpu_text(sysfs, cpu, "cpufreq/scaling_governor", text)) {
        memcpy(conditions->governor, text, sizeof conditions->governor - 1);
    }
    if (rb_sysfs_cpu_number(sysfs, cpu, "cpufreq/scaling_cur_freq", &number) && number > 0 && number < INT32_MAX) {
        conditions->frequency_khz = (int32_t)number;
    }
    if (rb_sysfs_cpu_number(sysfs, cpu, "thermal_throttle/core_throttle_count", &number) && number >= 0) {
        conditions->throttles = number < INT32_MAX ? (int32_t)number : INT32_MAX;
    }
    if (rb_sysfs_text(sysfs, "devices/platform/soc/soc:firmware/get_throttled", text)) {
        conditions->pi_throttling = (int32_t)strtol(text, NULL, 16);
    }
    conditions->millidegrees = hottest_zone(sysfs);
}

// The value of the first line "key : value" of a text, or NULL; it ends with its line.
static const char *value_of(const char *text, const char *key) {
    const char *line = strstr(text, key);
    const char *value = line ? strchr(line, ':') : NULL;
    return value ? value + 1 + strspn(value + 1, " \t") : NULL;
}

void rb_machine_name(char name[RB_MACHINE_NAME_BYTES]) {
    char text[STATUS_BYTES];
    const char *found = NULL;
    if (read_start("/proc/device-tree/model", text, sizeof text) > 0) {
        found = text;
    } else if (read_start("/proc/cpuinfo", text, sizeof text) > 0) {
        found = value_of(text, "model name");
    }
    size_t count = 0;
    for (; found && count < RB_MACHINE_NAME_BYTES - 1 && (unsigned char)found[count] >= ' '; count++) {
        name[count] = found[count];
    }
    name[count] = '\0';
}

uint64_t rb_peak_resident_bytes(void) {
    char text[STATUS_BYTES];
    read_start("/proc/self/status", text, sizeof text);
    const char *peak = value_of(text, "VmHWM");
    return peak ? strtoull(peak, NULL, 10) * 1024 : 0;
}
