#define _GNU_SOURCE
#include "include/platform.h"
#include "include/terminal.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_requested;
static volatile sig_atomic_t reload_requested;
static const char *volatile current_activity = "starting";

bool rb_stop_requested(void) {
    return stop_requested != 0;
}

void rb_request_stop(void) {
    stop_requested = 1;
}

bool rb_reload_requested(void) {
    if (!reload_requested) {
        return false;
    }
    reload_requested = 0;
    return true;
}

void rb_set_activity(const char *activity) {
    current_activity = activity;
}

static void request_stop(int signal_number) {
    (void)signal_number;
    stop_requested = 1;
}

static void request_reload(int signal_number) {
    (void)signal_number;
    reload_requested = 1;
}

void rb_let_hangup_reload(void) {
    const struct sigaction reload = {.sa_handler = request_reload};
    sigaction(SIGHUP, &reload, NULL);
}

// Only what is safe inside a signal handler: write, and no memory but the stack's.
static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; // there is nobody left to tell
    }
}

static void report_crash(int signal_number) {
    rb_terminal_restore();
    say("rarebit: crashed (");
    say(signal_number == SIGSEGV || signal_number == SIGBUS ? "bad memory access" : "failed check");
    say(") while ");
    say(current_activity);
    say("; this is a defect in the program\n");
    // The handler was installed with SA_RESETHAND: raising again ends the program with the signal's own status.
    raise(signal_number);
}

void rb_install_signal_handlers(void) {
    const struct sigaction stop = {.sa_handler = request_stop};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    // Whoever started the program may have kept them from it.
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGINT);
    sigaddset(&heard, SIGTERM);
    sigaddset(&heard, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &heard, NULL);

    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);

    // A stack of its own, because running out of the ordinary one is such a crash. A failed check in Swift is SIGILL on
    // x86 and 32-bit ARM, SIGTRAP on 64-bit ARM.
    static uint8_t crash_stack[16384];
    const stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    sigaltstack(&stack, NULL);
    const struct sigaction crash = {.sa_handler = report_crash, .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK)};
    static const int crashes[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        sigaction(crashes[i], &crash, NULL);
    }
}
