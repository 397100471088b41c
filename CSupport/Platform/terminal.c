// The keys of a terminal, one by one and without waiting. However the program ends or is stopped, but for SIGKILL, the
// terminal is left as it was.
#define _GNU_SOURCE
#include "include/terminal.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t is_taken;

// Another program may have the terminal just now: whoever then changes it, or reads from it, is stopped. Where there is
// no job control nobody can.
static bool is_in_background(void) {
    const pid_t owner = tcgetpgrp(STDIN_FILENO);
    return owner >= 0 && owner != getpgrp();
}

// Only what is safe inside a signal handler.
static void take(void) {
    struct termios keys = before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    is_taken = !is_in_background() && tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
}

void rb_terminal_restore(void) {
    if (is_taken) {
        is_taken = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
}

// Installed with SA_RESETHAND and SA_NODEFER: raised again, the signal does what it always does.
static void restore_first(int signal_number) {
    const int error = errno;
    rb_terminal_restore();
    raise(signal_number);
    errno = error;
}

static void catch_signal(int signal_number) {
    const struct sigaction action = {.sa_handler = restore_first, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    sigaction(signal_number, &action, NULL);
}

static void go_on(int signal_number) {
    (void)signal_number;
    const int error = errno;
    catch_signal(SIGTSTP);
    take();
    errno = error;
}

bool rb_terminal_take_keys(void) {
    if (!isatty(STDIN_FILENO) || is_in_background() || tcgetattr(STDIN_FILENO, &before) != 0) {
        return false;
    }
    take();
    atexit(rb_terminal_restore);
    catch_signal(SIGTSTP);
    catch_signal(SIGQUIT);
    // Whoever started the program may have kept them from it.
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGTSTP);
    sigaddset(&heard, SIGQUIT);
    sigaddset(&heard, SIGCONT);
    sigprocmask(SIG_UNBLOCK, &heard, NULL);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_DFL) {
        catch_signal(SIGHUP);
    }
    const struct sigaction resume = {.sa_handler = go_on, .sa_flags = SA_RESTART};
    sigaction(SIGCONT, &resume, NULL);
    return true;
}

int32_t rb_terminal_key(void) {
    uint8_t key;
    return is_taken && !is_in_background() && read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}
