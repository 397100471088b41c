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
    rb_path path;  // for operations that have one implementation: available, or made of plain C in this build
    uint8_t flip;  // the path's
} rb_fuzz;

// Each makes one operation up, describes it in `text`, runs it, and says what is wrong or NULL.
const char *rb_fuzz_convolution(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_max_pool(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_average_pool(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_global_average_pool(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_lookup(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_multiply(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_rearrange(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_resample(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_group_softmax(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_layer_norm(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_l2_norm(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_matrix_product(rb_fuzz *fuzz, char *text, size_t room);
const char *rb_fuzz_head(rb_fuzz *fuzz, char *text, size_t room);

// A tensor of any shape that fits a region.
rb_shape rb_wild_tensor(rb_random *random);
// A tensor of another's size, with a pixel stride and zero point of its own.
rb_shape rb_of_size(rb_random *random, const rb_shape *s);
uint8_t *rb_filled(rb_random *random, const rb_guarded *region, const rb_shape *s, bool at_front);
// A power of two times a little: the products and quotients of scales that the verifier lets through.
float rb_wild_multiplier(rb_random *random);
// A float32 value as a byte of a zero point, clamped between low and high.
uint8_t rb_rounded(float value, int32_t low, int32_t high, int32_t zero_point);

// Where expected and computed outputs go, both untouched.
typedef struct {
    uint8_t *expected, *output;
    size_t bytes;
} rb_outcome;
// Some shares of an operation, one after the other.
void rb_run_in_shares(rb_fuzz *f, rb_part_function run, void *work);
rb_outcome rb_outcome_of(const rb_regions *r, size_t bytes, bool at_front);
const char *rb_verdict(rb_outcome o);
