#include "include/platform.h"
#include <sys/resource.h>

int32_t rb_allow_stack(size_t bytes) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= bytes) {
        return 0; // where it cannot be asked, there is none
    }
    // Linux looks at the limit whenever the stack grows, and leaves it at least 128 MB of addresses.
    limit.rlim_cur = bytes;
    limit.rlim_max = limit.rlim_max < bytes ? bytes : limit.rlim_max; // takes a privilege
    return setrlimit(RLIMIT_STACK, &limit) == 0 ? 0 : -RB_EACCES;
}
