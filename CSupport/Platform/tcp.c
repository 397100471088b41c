#include "include/platform.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} tcp_address;

// 1...65535; 0 for anything else.
static uint16_t port_of(const char *text) {
    char *end;
    const bool is_number = *text >= '1' && *text <= '9';
    const unsigned long port = is_number ? strtoul(text, &end, 10) : 0;
    return is_number && *end == '\0' && port <= UINT16_MAX ? (uint16_t)port : 0;
}

// Writes the address of a place; how many bytes it has, or 0.
static socklen_t read_place(const char *place, tcp_address *address) {
    *address = (tcp_address){0};
    const char *colon = strrchr(place, ':');
    const uint16_t port = htons(port_of(colon ? colon + 1 : place));
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";
    if (colon) {
        const bool is_bracketed = place[0] == '[' && colon - place > 2 && colon[-1] == ']';
        const size_t length = (size_t)(colon - place) - (is_bracketed ? 2 : 0);
        if (length >= sizeof host) {
            return 0;
        }
        memcpy(host, place + is_bracketed, length);
        host[length] = '\0';
        if (is_bracketed) {
            address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
            return port && inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1 ? sizeof address->v6 : 0;
        }
    }
    address->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    return port && inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 ? sizeof address->v4 : 0;
}

bool rb_is_tcp_place(const char *place) {
    tcp_address address;
    return read_place(place, &address) > 0;
}

bool rb_is_loopback_place(const char *place) {
    tcp_address address;
    if (read_place(place, &address) == 0) {
        return false;
    }
    return address.any.sa_family == AF_INET ? ntohl(address.v4.sin_addr.s_addr) >> 24 == 127
                                            : IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

int32_t rb_tcp_listen(const char *place) {
    tcp_address address;
    const socklen_t size = read_place(place, &address);
    if (size == 0) {
        return -EINVAL;
    }
    const int descriptor = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -errno;
    }
    enum { BACKLOG = 16 };
    const int on = 1; // a restart need not wait for the last one's connections to be forgotten
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(descriptor, &address.any, size) != 0 || listen(descriptor, BACKLOG) != 0) {
        const int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}
