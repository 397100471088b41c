// The kernel checks as a program, for processors that the tests reach through an emulator. Prints one line a check and
// fails at the first difference. All lines but those of optimised kernels are the same on every processor.
#include "kernel_cases.h"
#include <stdio.h>

static bool check(int32_t kernel) {
    if (!rb_kernel_available(kernel)) {
        return true;
    }
    const rb_kernel_check result = rb_check_kernel(kernel);
    if (!result.passed) {
        fprintf(stderr, "%s\n", result.failure);
        return false;
    }
    printf("%-24s equals the reference in %d cases, checksum %08x\n", rb_kernel_name(kernel), result.cases,
           result.checksum);
    return true;
}

int main(void) {
    for (int32_t kernel = 0; kernel < rb_kernel_count(); kernel++) {
        if (!check(kernel)) {
            return 1;
        }
    }
    printf("pooling checksum %08x\n", rb_checksum_pooling());
    printf("elementwise checksum %08x\n", rb_checksum_elementwise());
    printf("head checksum %08x\n", rb_checksum_head());
    return 0;
}
