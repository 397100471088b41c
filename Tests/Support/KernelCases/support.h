// Numbers, checksums and memory for the cases.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A small generator (PCG32, O'Neill 2014) with the same numbers on every processor.
typedef struct {
    uint64_t state;
} rb_random;
uint32_t rb_random_bits(rb_random *random);
// Uniform in low...high.
int32_t rb_random_in(rb_random *random, int32_t low, int32_t high);
// A float in (-2^exponent, 2^exponent), a multiple of 2^(exponent - 15).
float rb_random_float(rb_random *random, int32_t exponent);

uint32_t rb_crc32(uint32_t crc, const void *bytes, size_t count);

// Memory between two pages that may not be touched.
typedef struct {
    uint8_t *begin, *end;
} rb_guarded;
rb_guarded rb_guarded_make(size_t bytes);
void rb_guarded_free(rb_guarded *memory);
// `bytes` of it that end exactly at the page after it or, if at_front, begin exactly at the page before it.
void *rb_guarded_place(const rb_guarded *memory, size_t bytes, bool at_front);
