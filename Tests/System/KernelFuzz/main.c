// kernel-fuzz SEED [--first N] [--cases N] [--seconds N] [--state FILE]: random operations of every kind, each against
// the reference or its formula, from case N (0) on, until that many cases or seconds have passed. Case N of a seed is
// the same on every machine: `kernel-fuzz SEED --first N --cases 1` tries it again. FILE keeps seed and next case, so
// that a later run with it goes on.
//
// A finding ends the program with 1 and the line that tries it again, whoever finds it: the comparison, a page that
// faults, or a sanitizer.
#include "kernel_cases.h"
#include "platform.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4 };

static struct {
    uint64_t seed, number;
    rb_fuzz_report report;
    char line[1100];
} now;

static void print_finding(const char *fault) {
    const int count =
        snprintf(now.line, sizeof now.line,
                 "kernel-fuzz: %s: %s\nkernel-fuzz: again: kernel-fuzz %" PRIu64 " --first %" PRIu64 " --cases 1\n",
                 now.report.operation, fault, now.seed, now.number);
    if (write(STDERR_FILENO, now.line, (size_t)count) < 0) {
        _exit(1);
    }
}

static void die_of_signal(int number) {
    (void)number;
    print_finding("ends the program by a signal");
    _exit(1);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
void __sanitizer_set_death_callback(void (*callback)(void));

static void die_of_sanitizer(void) {
    print_finding("a sanitizer's report is above");
}
#define SANITIZED 1
#endif
#endif

static void catch_findings(void) {
#if defined(SANITIZED)
    __sanitizer_set_death_callback(die_of_sanitizer);
#else
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], die_of_signal);
    }
#endif
    (void)die_of_signal;
}

static void usage(void) {
    fprintf(stderr, "usage: kernel-fuzz SEED [--first N] [--cases N] [--seconds N] [--state FILE]\n");
    exit(2);
}

static uint64_t number(const char *text) {
    char *end;
    const uint64_t value = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || *text == '\0' || *end != '\0') {
        usage();
    }
    return value;
}

// By way of a second file: a run that is stopped leaves one or the other state.
static void keep_state(const char *path) {
    char fresh[4096];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (file == NULL || fprintf(file, "%" PRIu64 " %" PRIu64 "\n", now.seed, now.number) < 0 || fclose(file) != 0 ||
        rename(fresh, path) != 0) {
        perror(path);
        exit(1);
    }
}

static void read_state(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return; // the first run
    }
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &now.seed, &now.number) != 2) {
        fprintf(stderr, "kernel-fuzz: %s holds no state; remove it to begin again\n", path);
        exit(1);
    }
    fclose(file);
}

int main(int count, char **arguments) {
    uint64_t cases = UINT64_MAX, seconds = UINT64_MAX;
    const char *state = NULL;
    if (count < 2) {
        usage();
    }
    now.seed = number(arguments[1]);
    for (int i = 2; i < count; i += 2) {
        const char *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (strcmp(arguments[i], "--first") == 0) {
            now.number = number(value);
        } else if (strcmp(arguments[i], "--cases") == 0) {
            cases = number(value);
        } else if (strcmp(arguments[i], "--seconds") == 0) {
            seconds = number(value);
        } else if (strcmp(arguments[i], "--state") == 0 && value != NULL) {
            state = value;
            read_state(state);
        } else {
            usage();
        }
    }
    rb_team *team;
    if (rb_team_start(THREADS, NULL, &team) != 0) {
        fprintf(stderr, "kernel-fuzz: cannot start %d threads\n", THREADS);
        return 1;
    }
    const rb_threads threads = {THREADS, rb_team_run, team};
    rb_fuzz_begin(&threads);
    catch_findings();
    // With a state, `cases` counts from the seed's first case on.
    const uint64_t first = state == NULL ? now.number : 0, begun = rb_clock_ns();
    bool sound = true;
    for (; sound && now.number - first < cases && (rb_clock_ns() - begun) / 1000000000 < seconds; now.number += sound) {
        sound = rb_fuzz_case(now.seed, now.number, &now.report);
        if (state != NULL && now.number % 256 == 255) {
            keep_state(state);
        }
    }
    if (state != NULL) {
        keep_state(state);
    }
    if (!sound) {
        print_finding(now.report.fault);
        return 1;
    }
    printf("kernel-fuzz: no finding in %" PRIu64 " cases of seed %" PRIu64 "\n", now.number - first, now.seed);
    rb_fuzz_end();
    rb_team_stop(team);
    return 0;
}
