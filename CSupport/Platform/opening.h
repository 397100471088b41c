// Inside Platform only: the rule for outputs.
#pragma once
#include <stdint.h>
#include <sys/stat.h>

// 0 for a file that may be emptied, replaced or written to: no folder, no input, and no output but the one that was
// claimed as `path` (NULL: none was). Else a negative error number.
int32_t rb_check_output(const struct stat *file, const char *path);
// Opens, or makes, what is written to, without O_TRUNC and never blocking afterwards; `flags` are open's. A pipe that
// nobody reads yet is waited for, as long as the program is not asked to stop. A descriptor, or a negative error
// number.
int32_t rb_open_for_writing(const char *path, int flags);
// To be called where a descriptor is closed.
void rb_forget_output(int32_t descriptor);
