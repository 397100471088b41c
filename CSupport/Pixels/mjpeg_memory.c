// libjpeg takes all its memory from these functions, which the linker prefers to libjpeg's own (its jmemnobs.c). What a
// frame needs comes out of the frame's workspace and is taken back all at once, when the next frame begins; what others
// decode, such as picture files, uses the heap as ever.
#include "encode.h"
#include "mjpeg.h"
#include <stdio.h> // jpeglib.h needs it

#include <jpeglib.h>

#include <jerror.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 }; // bytes: more than libjpeg's vectors need

// No public header declares them.
void *jpeg_get_small(j_common_ptr jpeg, size_t bytes);
void *jpeg_get_large(j_common_ptr jpeg, size_t bytes);
void jpeg_free_small(j_common_ptr jpeg, void *object, size_t bytes);
void jpeg_free_large(j_common_ptr jpeg, void *object, size_t bytes);
size_t jpeg_mem_available(j_common_ptr jpeg, size_t least, size_t most, size_t taken);
void jpeg_open_backing_store(j_common_ptr jpeg, void *store, long bytes);
long jpeg_mem_init(j_common_ptr jpeg);
void jpeg_mem_term(j_common_ptr jpeg);

static rb_mjpeg_memory *memory_of(j_common_ptr jpeg) {
    rb_mjpeg_memory *memory = rb_mjpeg_memory_of(jpeg);
    return memory ? memory : rb_encoder_memory_of(jpeg);
}

void *jpeg_get_small(j_common_ptr jpeg, size_t bytes) {
    rb_mjpeg_memory *memory = memory_of(jpeg);
    if (!memory) {
        return malloc(bytes);
    }
    if (bytes > memory->count - memory->used) {
        return NULL; // libjpeg then reports that there is no memory
    }
    void *object = memory->bytes + memory->used;
    const size_t whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, left = memory->count - memory->used;
    memory->used += whole < left ? whole : left;
    return object;
}

void *jpeg_get_large(j_common_ptr jpeg, size_t bytes) {
    return jpeg_get_small(jpeg, bytes);
}

void jpeg_free_small(j_common_ptr jpeg, void *object, size_t bytes) {
    (void)bytes;
    if (!memory_of(jpeg)) {
        free(object);
    }
}

void jpeg_free_large(j_common_ptr jpeg, void *object, size_t bytes) {
    jpeg_free_small(jpeg, object, bytes);
}

// How much of a large array to hold in memory: as much as the limit leaves, where one is set.
size_t jpeg_mem_available(j_common_ptr jpeg, size_t least, size_t most, size_t taken) {
    (void)least;
    const size_t limit = (size_t)jpeg->mem->max_memory_to_use;
    return limit == 0 ? most : limit > taken ? limit - taken : 0;
}

// The rest would go to a file: nothing here writes files.
void jpeg_open_backing_store(j_common_ptr jpeg, void *store, long bytes) {
    (void)store;
    (void)bytes;
    jpeg->err->msg_code = JERR_NO_BACKING_STORE;
    jpeg->err->error_exit(jpeg);
}

long jpeg_mem_init(j_common_ptr jpeg) {
    (void)jpeg;
    return 0; // no limit
}

void jpeg_mem_term(j_common_ptr jpeg) {
    (void)jpeg;
}
