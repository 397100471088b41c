// Inside Platform only: names of Unix sockets.
#pragma once
#include <stdint.h>
#include <sys/un.h>

// Fills in the address of a socket's name, a path or '@' and a name in Linux's abstract space; its length, or a
// negative error number.
int32_t rb_unix_address(const char *name, struct sockaddr_un *address);
