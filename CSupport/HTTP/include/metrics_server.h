// Metrics over HTTP, by libevent, in a thread of its own.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { RB_METRICS_BYTES = 16384 }; // of a text, at most

// Serves the published text at http://ADDRESS:PORT/metrics until the program ends; `listener` is a listening socket
// that does not block, from rb_tcp_listen. 0, or a negative error number. At most once in a program.
//
// Nothing here takes memory from the heap once the thread runs: libevent gets its own from a fixed pool. As many
// clients as that is good for are served at a time; the others wait.
int32_t rb_metrics_start(int32_t listener);
// Replaces the text, of at most RB_METRICS_BYTES.
void rb_metrics_publish(const void *text, size_t count);
