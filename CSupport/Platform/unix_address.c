#include "unix_address.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

int32_t rb_unix_address(const char *name, struct sockaddr_un *address) {
    const bool is_abstract = *name == '@';
    // A path ends in zero within the address; an abstract name needs no end, the length says it.
    const size_t length = strlen(name) + !is_abstract;
    if (length > sizeof address->sun_path) {
        return -ENAMETOOLONG;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (is_abstract) {
        address->sun_path[0] = '\0';
    }
    return (int32_t)(offsetof(struct sockaddr_un, sun_path) + length);
}
