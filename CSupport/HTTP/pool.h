// Inside HTTP only: memory from a fixed pool.
#pragma once
#include <stddef.h>

// Touched only as far as it is used: most of it by clients that send pictures.
enum { POOL_BYTES = 24 * 1024 * 1024 };

// NULL where no piece is large enough.
void *pool_allocate(size_t count);
void *pool_resize(void *memory, size_t count);
void pool_free(void *memory);
// Bytes that are not in use.
size_t pool_left(void);
