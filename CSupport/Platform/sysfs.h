// Reading the small text files in which Linux tells about itself.
#pragma once
#include "include/platform.h"

enum { RB_SYSFS_TEXT_BYTES = 256 };

// The file's first line, without its end, cut to what fits. False, with an empty text, where there is none.
bool rb_sysfs_text(const char *root, const char *path, char text[RB_SYSFS_TEXT_BYTES]);
// The whole number a file starts with.
bool rb_sysfs_number(const char *root, const char *path, int64_t *number);
// The same of ROOT/devices/system/cpu/cpuN/FILE.
bool rb_sysfs_cpu_number(const char *root, int32_t cpu, const char *file, int64_t *number);
bool rb_sysfs_cpu_text(const char *root, int32_t cpu, const char *file, char text[RB_SYSFS_TEXT_BYTES]);
