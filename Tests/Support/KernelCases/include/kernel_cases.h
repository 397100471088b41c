// Checks of the kernels that run natively, under Swift Testing, and under an emulator, from System/EmulatedKernels:
// every kernel of kernels.inc against the plain C reference, bit for bit, over many shapes, with memory that faults
// when it is read or written past either end.
#pragma once
#include "kernels.h"
#include <stdbool.h>
#include <stdint.h>

// The kernels of kernels.inc, by number.
int32_t rb_kernel_count(void);
const char *rb_kernel_name(int32_t kernel);
// Whether this processor can execute the kernel.
bool rb_kernel_available(int32_t kernel);

typedef struct {
    int32_t cases;     // shapes compared: those that the kernel's layout supports
    uint32_t checksum; // CRC-32 of what the reference gave: the same on every processor
    bool passed;
    char failure[512]; // the first shape that differed
} rb_kernel_check;

// Compares a kernel with the reference; stops at the first difference.
rb_kernel_check rb_check_kernel(int32_t kernel);

// CRC-32 of what the other operations give for fixed inputs: the same on every processor.
uint32_t rb_checksum_pooling(void);
uint32_t rb_checksum_elementwise(void);
uint32_t rb_checksum_head(void);

// The fuzzer: one operation of any kind that the model verifier lets through, of random numbers and memory between
// pages that fault. A convolution is computed by every kernel that this processor executes, in one to four parts and on
// threads, and compared with the reference; what has one implementation is compared with its formula.
typedef struct {
    char operation[768]; // what was tried, while and after it is
    char fault[64];      // what is wrong with it, or ""
} rb_fuzz_report;
// Takes the memory that cases use; `threads`, four of them or NULL, must stay.
void rb_fuzz_begin(const rb_threads *threads);
void rb_fuzz_end(void);
// Runs case `number` of `seed`, the same on every machine; false where something is wrong.
bool rb_fuzz_case(uint64_t seed, uint64_t number, rb_fuzz_report *report);
// The same for a convolution of a given shape, with random numbers.
bool rb_fuzz_shape(const rb_conv_shape *shape, uint64_t seed, rb_fuzz_report *report);
