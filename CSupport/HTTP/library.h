// Inside HTTP only: what its threads share of libevent.
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

// Gives libevent the pool's memory and keeps it silent. To be called before anything else of libevent.
void library_begin(void);
// Where libevent cannot go on it jumps to `failure` in the thread that called this; NULL: that thread waits for ever.
void library_on_fatal(jmp_buf *failure);
