// Checks of the kernels that run natively, under Swift Testing, and under an emulator, from emulated/main.c: every
// kernel of kernels.inc against the plain C reference, bit for bit, over many shapes, with memory that faults when it
// is read or written past either end.
#pragma once
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
