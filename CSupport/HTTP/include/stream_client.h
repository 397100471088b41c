// A picture stream of an HTTP server, by libevent's client.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RB_HTTP_ADDRESS_BYTES = 512 };

// Whether a text is an address that rb_http_get understands: http://[USER:PASSWORD@]HOST[:PORT][/PATH], of at most
// RB_HTTP_ADDRESS_BYTES. A host is a name, which the name servers of /etc/resolv.conf and /etc/hosts know, or a number.
bool rb_is_http_address(const char *address);

// Asks for what is there and gives `take` the body's bytes as they come, until it ends (0), `take` wants no more
// (-ECANCELED) or `stop` is readable (-EINTR). Another negative error number: no connection, or no answer. A positive
// number: the status with which the server refused. Takes memory from the pool alone.
int32_t rb_http_get(const char *address, int32_t stop, bool (*take)(void *context, const uint8_t *bytes, size_t count),
                    void *context);
