// The device program's libraries refer to the C library's name services: libevent to names of hosts, libv4lconvert to
// names of users. In a static program those are larger than the libraries themselves, and load shared objects from
// whatever system they find themselves on. The program uses numbers alone, so these take their place there.
#ifdef RB_STATIC_PROGRAM
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>

int getpwuid_r(uid_t user, struct passwd *entry, char *text, size_t bytes, struct passwd **found) {
    (void)user, (void)entry, (void)text, (void)bytes;
    *found = NULL;
    return ENOENT;
}

struct servent *getservbyname(const char *name, const char *protocol) {
    (void)name, (void)protocol;
    return NULL;
}

struct protoent *getprotobynumber(int number) {
    (void)number;
    return NULL;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)name, (void)service, (void)hints, (void)found;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *found) {
    (void)found;
}

// libevent asks who a client is.
int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_bytes, char *service,
                socklen_t service_bytes, int flags) {
    (void)size, (void)flags;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    const bool is_v4 = address->sa_family == AF_INET;
    if (!is_v4 && address->sa_family != AF_INET6) {
        return EAI_FAMILY;
    }
    const void *number = is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr;
    const unsigned port = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
    const bool fits = inet_ntop(address->sa_family, number, host, host_bytes) &&
                      snprintf(service, service_bytes, "%u", port) < (int)service_bytes;
    return fits ? 0 : EAI_OVERFLOW;
}
#else
typedef int rb_no_name_services; // C has no empty files
#endif
