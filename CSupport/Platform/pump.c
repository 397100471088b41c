// A thread that carries the bytes of a pipe or file to whoever takes them, and the error lines beside them to the log.
#define _GNU_SOURCE
#include "include/workers.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 64 * 1024,
    STACK_BYTES = 256 * 1024,
    LINE_BYTES = 240,
    LINES_AT_ONCE = 40, // in a period: what is more is counted
    PERIOD_NS = 1000000000,
};

int32_t rb_thread_start(void *(*run)(void *context), void *context, rb_thread *thread) {
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t handle;
    const int error = pthread_create(&handle, &attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0) {
        thread->handle = (uintptr_t)handle;
    }
    return -error;
}

void rb_thread_join(rb_thread thread) {
    pthread_join((pthread_t)thread.handle, NULL);
}

typedef struct {
    const char *name;
    char line[LINE_BYTES];
    size_t count;
    uint64_t period; // when it began
    unsigned said, unsaid;
} line_log;

static void write_line(line_log *log, const char *line, size_t count) {
    char text[LINE_BYTES + 128];
    const int length = snprintf(text, sizeof text, "rarebit: %.96s: %.*s\n", log->name, (int)count, line);
    if (length > 0) {
        rb_write_all(STDERR_FILENO, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
    }
}

static void say_unsaid(line_log *log) {
    if (log->unsaid > 0) {
        char text[64];
        const int length = snprintf(text, sizeof text, "%u more lines", log->unsaid);
        write_line(log, text, (size_t)length);
        log->unsaid = 0;
    }
}

static void end_line(line_log *log) {
    const uint64_t now = rb_clock_ns();
    if (now - log->period >= PERIOD_NS) {
        say_unsaid(log);
        log->period = now;
        log->said = 0;
    }
    if (log->count > 0 && log->said < LINES_AT_ONCE) {
        write_line(log, log->line, log->count);
        log->said++;
    } else if (log->count > 0) {
        log->unsaid++;
    }
    log->count = 0;
}

static void take_text(line_log *log, const char *text, size_t count) {
    for (size_t i = 0; i < count; i++) {
        // Progress lines end in a carriage return. What steers terminals is none of a log's.
        if (text[i] == '\n' || text[i] == '\r') {
            end_line(log);
        } else if (log->count < LINE_BYTES) {
            const unsigned char byte = (unsigned char)text[i];
            log->line[log->count++] = byte < 0x20 || byte >= 0x7F ? '?' : text[i];
        }
    }
}

// What there is, without waiting. False where there will be no more.
static bool take_errors(line_log *log, int32_t errors) {
    char text[4096];
    const ssize_t got = read(errors, text, sizeof text);
    if (got > 0) {
        take_text(log, text, (size_t)got);
    }
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static int32_t pump(int32_t descriptor, int32_t errors, int32_t stop, rb_take_bytes take, void *context,
                    line_log *log) {
    uint8_t piece[PIECE_BYTES];
    struct pollfd watched[] = {{.fd = stop, .events = POLLIN},
                               {.fd = descriptor, .events = POLLIN},
                               {.fd = errors, .events = POLLIN}}; // poll passes over -1
    for (;;) {
        if (poll(watched, 3, -1) < 0 && errno != EINTR) {
            return -errno;
        }
        if (watched[0].revents) {
            return -EINTR;
        }
        if (watched[2].revents && !take_errors(log, errors)) {
            watched[2].fd = -1;
        }
        if (!watched[1].revents) {
            continue;
        }
        const ssize_t got = read(descriptor, piece, sizeof piece);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        if (got > 0 && !take(context, piece, (size_t)got)) {
            return -ECANCELED;
        }
    }
}

int32_t rb_pump(int32_t descriptor, int32_t errors, const char *name, int32_t stop, rb_take_bytes take, void *context) {
    line_log log = {.name = name};
    const int32_t result = pump(descriptor, errors, stop, take, context, &log);
    // What it said last tells why it ended.
    while (errors >= 0) {
        struct pollfd last = {.fd = errors, .events = POLLIN};
        if (poll(&last, 1, 0) <= 0 || !take_errors(&log, errors)) {
            break;
        }
    }
    end_line(&log);
    say_unsaid(&log);
    return result;
}
