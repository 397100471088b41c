// Processors: sets of them, which of them are fast, and where this thread may run.
#define _GNU_SOURCE
#include "include/platform.h"
#include "sysfs.h"
#include <errno.h>
#include <sched.h>
#include <string.h>

_Static_assert(RB_MAXIMUM_CPUS == CPU_SETSIZE, "an rb_cpus holds what a cpu_set_t holds");

bool rb_cpus_contains(const rb_cpus *cpus, int32_t cpu) {
    return cpu >= 0 && cpu < RB_MAXIMUM_CPUS && (cpus->words[cpu / 64] >> (cpu % 64) & 1);
}

static void insert(rb_cpus *cpus, int32_t cpu) {
    cpus->words[cpu / 64] |= (uint64_t)1 << (cpu % 64);
}

int32_t rb_cpus_next(const rb_cpus *cpus, int32_t from) {
    for (int32_t cpu = from; cpu < RB_MAXIMUM_CPUS; cpu++) {
        if (rb_cpus_contains(cpus, cpu)) {
            return cpu;
        }
    }
    return -1;
}

int32_t rb_cpus_count(const rb_cpus *cpus) {
    int32_t count = 0;
    for (size_t i = 0; i < sizeof cpus->words / sizeof *cpus->words; i++) {
        count += __builtin_popcountll(cpus->words[i]);
    }
    return count;
}

// One number below RB_MAXIMUM_CPUS; NULL where there is none.
static const char *parse_cpu(const char *text, int32_t *cpu) {
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    for (*cpu = 0; *text >= '0' && *text <= '9'; text++) {
        *cpu = *cpu * 10 + (*text - '0');
        if (*cpu >= RB_MAXIMUM_CPUS) {
            return NULL;
        }
    }
    return text;
}

bool rb_cpus_parse(const char *text, rb_cpus *cpus) {
    rb_cpus parsed = {{0}};
    while (true) {
        int32_t first, last;
        text = parse_cpu(text, &first);
        last = first;
        if (text && *text == '-') {
            text = parse_cpu(text + 1, &last);
        }
        if (!text || last < first || (*text != ',' && *text != '\0')) {
            return false;
        }
        for (int32_t cpu = first; cpu <= last; cpu++) {
            insert(&parsed, cpu);
        }
        if (*text++ == '\0') {
            *cpus = parsed;
            return true;
        }
    }
}

void rb_cpus_allowed(rb_cpus *cpus) {
    cpu_set_t set;
    *cpus = (rb_cpus){{0}};
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        insert(cpus, 0);
        return;
    }
    for (int32_t cpu = 0; cpu < RB_MAXIMUM_CPUS; cpu++) {
        if (CPU_ISSET((size_t)cpu, &set)) {
            insert(cpus, cpu);
        }
    }
}

int32_t rb_run_on(const rb_cpus *cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int32_t cpu = rb_cpus_next(cpus, 0); cpu >= 0; cpu = rb_cpus_next(cpus, cpu + 1)) {
        CPU_SET((size_t)cpu, &set);
    }
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

int32_t rb_current_cpu(void) {
    const int cpu = sched_getcpu();
    return cpu < 0 ? 0 : cpu;
}

// How fast a processor is beside the others of its machine; 0 where the system does not tell.
static int64_t capacity(const char *sysfs, int32_t cpu, const char *file) {
    int64_t value;
    return rb_sysfs_cpu_number(sysfs, cpu, file, &value) && value > 0 ? value : 0;
}

static bool keep_fastest(const char *sysfs, const char *file, rb_cpus *cpus) {
    int64_t most = 0;
    for (int32_t cpu = rb_cpus_next(cpus, 0); cpu >= 0; cpu = rb_cpus_next(cpus, cpu + 1)) {
        const int64_t own = capacity(sysfs, cpu, file);
        most = own > most ? own : most;
    }
    rb_cpus fastest = {{0}};
    for (int32_t cpu = rb_cpus_next(cpus, 0); cpu >= 0 && most > 0; cpu = rb_cpus_next(cpus, cpu + 1)) {
        if (capacity(sysfs, cpu, file) * 10 >= most * 8) {
            insert(&fastest, cpu);
        }
    }
    if (most > 0) {
        *cpus = fastest;
    }
    return most > 0;
}

void rb_cpus_fastest(const char *sysfs, rb_cpus *cpus) {
    if (!keep_fastest(sysfs, "cpu_capacity", cpus)) {
        keep_fastest(sysfs, "cpufreq/cpuinfo_max_freq", cpus);
    }
}
