// One random operation at a time; see rb_fuzz_case in kernel_cases.h.
#pragma once
#include "cases.h"
#include "include/kernel_cases.h"

// A case on its way.
typedef struct {
    rb_regions regions;
    const rb_threads *threads;
    rb_random random;
    bool at_front; // of the regions, else at their ends
    uint8_t flip;  // for operations that have one implementation: 0 or 0x80, as paths have it
} rb_fuzz;

// Each makes one operation up, describes it in `text`, runs it, and says what is wrong or NULL.
const char *rb_fuzz_convolution(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_max_pool(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_average_pool(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_global_average_pool(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_lookup(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_multiply(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_head(rb_fuzz *fuzz, char *text, size_t room);
