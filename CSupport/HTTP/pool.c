// Blocks lie one behind the other, each with its size in front; the first free one that is large enough is taken, and
// free neighbours are joined while looking. With a few dozen blocks a list is fast enough.
#include "pool.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    _Alignas(16) size_t bytes; // with this header
    bool is_used;
} block;

static _Alignas(16) uint8_t pool[POOL_BYTES];
static size_t used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static block *first_block(void) {
    block *first = (block *)pool;
    if (first->bytes == 0) {
        first->bytes = POOL_BYTES;
    }
    return first;
}

static block *next_block(block *current) {
    uint8_t *next = (uint8_t *)current + current->bytes;
    return next < pool + POOL_BYTES ? (block *)next : NULL;
}

static void join_free(block *current) {
    for (block *next = next_block(current); next && !next->is_used; next = next_block(current)) {
        current->bytes += next->bytes;
    }
}

static void *take(size_t count) {
    if (count > POOL_BYTES) {
        return NULL;
    }
    const size_t needed = sizeof(block) + (count + 15) / 16 * 16;
    for (block *current = first_block(); current; current = next_block(current)) {
        if (current->is_used) {
            continue;
        }
        join_free(current);
        if (current->bytes < needed) {
            continue;
        }
        if (current->bytes >= needed + sizeof(block) + 16) {
            block *rest = (block *)((uint8_t *)current + needed);
            *rest = (block){.bytes = current->bytes - needed};
            current->bytes = needed;
        }
        current->is_used = true;
        used += current->bytes;
        return current + 1;
    }
    return NULL;
}

void *pool_allocate(size_t count) {
    pthread_mutex_lock(&lock);
    void *memory = take(count);
    pthread_mutex_unlock(&lock);
    return memory;
}

void pool_free(void *memory) {
    if (memory) {
        block *freed = (block *)memory - 1;
        pthread_mutex_lock(&lock);
        freed->is_used = false;
        used -= freed->bytes;
        pthread_mutex_unlock(&lock);
    }
}

void *pool_resize(void *memory, size_t count) {
    if (!memory) {
        return pool_allocate(count);
    }
    const size_t held = ((block *)memory - 1)->bytes - sizeof(block);
    if (count <= held) {
        return memory;
    }
    void *larger = pool_allocate(count);
    if (larger) {
        memcpy(larger, memory, held);
        pool_free(memory);
    }
    return larger;
}

size_t pool_left(void) {
    pthread_mutex_lock(&lock);
    const size_t left = POOL_BYTES - used;
    pthread_mutex_unlock(&lock);
    return left;
}
