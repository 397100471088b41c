#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <string.h>

_Static_assert(RB_ENOENT == ENOENT && RB_EINTR == EINTR && RB_EIO == EIO && RB_ENXIO == ENXIO && RB_EAGAIN == EAGAIN &&
                   RB_EACCES == EACCES && RB_EBUSY == EBUSY && RB_ENODEV == ENODEV && RB_EINVAL == EINVAL &&
                   RB_ENOTTY == ENOTTY && RB_EFBIG == EFBIG && RB_ENOSPC == ENOSPC && RB_EPIPE == EPIPE &&
                   RB_ECONNRESET == ECONNRESET && RB_ETIMEDOUT == ETIMEDOUT,
               "platform.h repeats Linux's error numbers");

const char *rb_error_text(int32_t error) {
    const int32_t number = error < 0 ? -error : error;
    if (number == RB_EISINPUT) {
        return "it is an input too; give the output another name";
    }
    if (number == RB_EISOUTPUT) {
        return "it is an output too; give the output another name";
    }
    // Unlike strerror: no translation, no heap.
    const char *text = strerrordesc_np(number);
    return text ? text : "Unknown error";
}
