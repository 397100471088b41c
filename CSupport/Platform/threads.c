// A team of threads that spins briefly and then sleeps. Parts are claimed one by one rather than dealt out: a thread
// that wakes late, or shares its core with another program, takes fewer of them, and nobody waits for a thread that has
// not begun.
#define _GNU_SOURCE
#include "include/platform.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PART_BITS = 16,
    CLOSED = (1 << PART_BITS) - 1, // in place of the next part: there is none to claim, whatever `parts` says
    STACK_BYTES = 256 * 1024,
    SPIN_NS = 100000,     // longer than the pause between two operations of a network, shorter than one between frames
    PAUSES_PER_LOOK = 16, // at the clock
    CACHE_LINE = 64,
};

typedef struct {
    rb_team *team;
    int32_t index;
    pthread_t handle;
} member;

struct rb_team {
    rb_memory memory; // this structure's own
    int32_t threads;
    uint64_t spin_ns;
    member members[RB_MAXIMUM_THREADS]; // members[0] is the thread that calls rb_team_run

    // The job: written while `ticket` is closed, and not again before all of its parts are finished.
    _Atomic(rb_part) run;
    _Atomic(void *) work;
    atomic_int parts;
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket; // the job's number << PART_BITS | the next part to be claimed
    _Alignas(CACHE_LINE) atomic_int finished;     // parts of the job; the caller sleeps on it
    atomic_bool caller_sleeps;
    _Alignas(CACHE_LINE) atomic_int announcements; // what members sleep on
    atomic_int sleepers;
    atomic_bool is_over;
};

static void futex_wait(atomic_int *word, int value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0); // may return early: callers look again
}

static void futex_wake(atomic_int *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static inline void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); // yield does nothing on most cores
#else
    __asm__ volatile("yield" ::: "memory");
#endif
}

// Runs parts of the announced job until none is left to claim; answers the ticket at which that was.
//
// The job's fields may already be the next one's when they are read, but then the ticket has been closed before, and
// the exchange fails: a ticket that can be claimed never comes back.
static uint64_t run_parts(rb_team *team, int32_t thread) {
    uint64_t ticket = atomic_load(&team->ticket);
    while (true) {
        const int32_t part = (int32_t)(ticket & CLOSED);
        const int32_t parts = atomic_load_explicit(&team->parts, memory_order_acquire);
        const rb_part run = atomic_load_explicit(&team->run, memory_order_relaxed);
        void *work = atomic_load_explicit(&team->work, memory_order_relaxed);
        if (part >= parts) {
            return ticket;
        }
        if (!atomic_compare_exchange_weak(&team->ticket, &ticket, ticket + 1)) {
            continue;
        }
        run(work, part, parts, thread);
        if (atomic_fetch_add(&team->finished, 1) + 1 == parts && atomic_load(&team->caller_sleeps)) {
            futex_wake(&team->finished, 1);
        }
        ticket = atomic_load(&team->ticket);
    }
}

static bool is_new(const rb_team *team, uint64_t seen) {
    return atomic_load(&team->ticket) >> PART_BITS != seen >> PART_BITS || atomic_load(&team->is_over);
}

// Waits until a job other than the one of the ticket `seen` is announced, or the team is over.
static void await_job(rb_team *team, uint64_t seen) {
    const uint64_t deadline = rb_clock_ns() + team->spin_ns;
    do {
        for (int32_t i = 0; i < PAUSES_PER_LOOK; i++) {
            if (is_new(team, seen)) {
                return;
            }
            pause_briefly();
        }
    } while (rb_clock_ns() < deadline);
    // Counting oneself before the last look, and announcing before counting sleepers: one of the two sees the other.
    atomic_fetch_add(&team->sleepers, 1);
    while (true) {
        const int announcements = atomic_load(&team->announcements);
        if (is_new(team, seen)) {
            break;
        }
        futex_wait(&team->announcements, announcements);
    }
    atomic_fetch_sub(&team->sleepers, 1);
}

static void *be_member(void *argument) {
    member *self = argument;
    rb_team *team = self->team;
    uint64_t seen = 0;
    while (!atomic_load(&team->is_over)) {
        await_job(team, seen);
        seen = run_parts(team, self->index);
    }
    return NULL;
}

static void await_parts(rb_team *team, int32_t parts) {
    const uint64_t deadline = rb_clock_ns() + team->spin_ns;
    do {
        for (int32_t i = 0; i < PAUSES_PER_LOOK; i++) {
            if (atomic_load(&team->finished) == parts) {
                return;
            }
            pause_briefly();
        }
    } while (rb_clock_ns() < deadline);
    atomic_store(&team->caller_sleeps, true);
    int finished;
    while ((finished = atomic_load(&team->finished)) != parts) {
        futex_wait(&team->finished, finished);
    }
    atomic_store(&team->caller_sleeps, false);
}

static void announce(rb_team *team) {
    atomic_fetch_add(&team->announcements, 1);
    const int sleepers = atomic_load(&team->sleepers);
    if (sleepers > 0) {
        futex_wake(&team->announcements, sleepers);
    }
}

void rb_team_run(void *given_team, int32_t parts, rb_part run, void *work) {
    rb_team *team = given_team;
    if (parts <= 0) {
        return;
    }
    // A member may still hold the last job's ticket. Were the fields to change under it, it could take more parts than
    // that job had: whoever sees the new count (acquire) also sees that the ticket was closed before it (release).
    const uint64_t last = atomic_load_explicit(&team->ticket, memory_order_relaxed);
    atomic_store_explicit(&team->ticket, last | CLOSED, memory_order_relaxed);
    atomic_store_explicit(&team->parts, parts, memory_order_release);
    atomic_store_explicit(&team->run, run, memory_order_relaxed);
    atomic_store_explicit(&team->work, work, memory_order_relaxed);
    atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
    atomic_store(&team->ticket, ((last >> PART_BITS) + 1) << PART_BITS);
    announce(team);
    run_parts(team, 0);
    await_parts(team, parts);
}

// Starts one member. It leaves the signals that ask the program to stop to the caller's thread.
static int32_t start_member(member *self) {
    pthread_attr_t attributes;
    sigset_t stopping, before;
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGINT);
    sigaddset(&stopping, SIGTERM);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_BLOCK, &stopping, &before);
    const int error = pthread_create(&self->handle, &attributes, be_member, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

static int32_t pin(pthread_t handle, const rb_cpus *cpus, int32_t thread) {
    int32_t cpu = rb_cpus_next(cpus, 0);
    for (int32_t i = thread % rb_cpus_count(cpus); i > 0; i--) {
        cpu = rb_cpus_next(cpus, cpu + 1);
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    return -pthread_setaffinity_np(handle, sizeof one, &one);
}

int32_t rb_team_start(int32_t threads, const rb_cpus *pinned, rb_team **started) {
    if (threads < 1 || threads > RB_MAXIMUM_THREADS || (pinned && rb_cpus_count(pinned) == 0)) {
        return -EINVAL;
    }
    rb_memory memory;
    int32_t status = rb_map_memory(sizeof(rb_team), &memory);
    if (status != 0) {
        return status;
    }
    rb_team *team = (rb_team *)memory.bytes;
    rb_cpus usable;
    rb_cpus_allowed(&usable);
    team->memory = memory;
    team->threads = 1;
    // Where threads share cores, one that spins keeps another from working.
    team->spin_ns = threads <= rb_cpus_count(pinned ? pinned : &usable) ? SPIN_NS : 0;
    team->members[0].handle = pthread_self();
    for (int32_t i = 1; i < threads && status == 0; i++) {
        team->members[i].team = team;
        team->members[i].index = i;
        status = start_member(&team->members[i]);
        team->threads += status == 0;
    }
    for (int32_t i = 0; pinned && i < threads && status == 0; i++) {
        status = pin(team->members[i].handle, pinned, i);
    }
    if (status != 0) {
        rb_team_stop(team);
        return status;
    }
    *started = team;
    return 0;
}

int32_t rb_team_threads(const rb_team *team) {
    return team->threads;
}

void rb_team_stop(rb_team *team) {
    atomic_store(&team->is_over, true);
    announce(team);
    for (int32_t i = 1; i < team->threads; i++) {
        pthread_join(team->members[i].handle, NULL);
    }
    rb_memory memory = team->memory;
    rb_unmap(&memory);
}
