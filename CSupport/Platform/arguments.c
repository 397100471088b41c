#include "arguments.h"
#include "include/platform.h"
#include <stdlib.h>

static int argument_count;
static char **arguments;

// The C library passes constructors what it passes main. Swift's own CommandLine needs the heap.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
    argument_count = argc;
    arguments = argv;
}

int32_t rb_argument_count(void) {
    return argument_count;
}

const char *rb_argument(int32_t index) {
    return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

const char *rb_environment(const char *name) {
    return getenv(name);
}

char **rb_argument_vector(void) {
    return arguments;
}

void rb_exit(int32_t status) {
    exit(status);
}
