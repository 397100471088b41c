#include "arguments.h"
#include "include/platform.h"
#include <getopt.h>
#include <math.h>
#include <stdlib.h>

enum { FIRST_VALUE = 256 /* past every option letter */ };

int32_t rb_next_option(const rb_option *options, int32_t count, const char **value) {
    struct option table[RB_MAXIMUM_OPTIONS + 1] = {{0}};
    for (int32_t i = 0; i < count && i < RB_MAXIMUM_OPTIONS; i++) {
        table[i].name = options[i].name;
        table[i].has_arg = options[i].takes_value ? required_argument : no_argument;
        table[i].val = FIRST_VALUE + i;
    }
    opterr = 0; // the caller writes the message
    // The leading colon tells a missing value from an unknown option.
    const int found = getopt_long(rb_argument_count(), rb_argument_vector(), ":h", table, NULL);
    *value = optarg;
    if (found >= FIRST_VALUE) {
        return found - FIRST_VALUE;
    }
    if (found == -1) {
        return RB_OPTION_END;
    }
    *value = rb_argument(optind - 1);
    return found == 'h' ? RB_OPTION_HELP : found == ':' ? RB_OPTION_NEEDS_VALUE : RB_OPTION_UNKNOWN;
}

int32_t rb_first_operand(void) {
    return optind;
}

// The number at the beginning of a text; NULL where there is none, else where it ends.
static const char *read_number(const char *text, double *number) {
    char *end;
    const double parsed = strtod(text, &end);
    if (end == text || !isfinite(parsed)) {
        return NULL;
    }
    *number = parsed;
    return end;
}

bool rb_parse_number(const char *text, double *number) {
    double parsed;
    const char *end = read_number(text, &parsed);
    if (!end || *end != '\0') {
        return false;
    }
    *number = parsed;
    return true;
}

bool rb_parse_numbers(const char *text, int32_t count, double *numbers) {
    for (int32_t i = 0; i < count; i++) {
        text = read_number(text, &numbers[i]);
        if (!text || *text++ != (i < count - 1 ? ',' : '\0')) {
            return false;
        }
    }
    return true;
}
