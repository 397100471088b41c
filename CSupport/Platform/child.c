#define _GNU_SOURCE
#include "include/workers.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20, STEP_NS = 2000000, NS_PER_S = 1000000000 };

// In the child, between fork and exec: only what is safe there.
static _Noreturn void become(const char *command, const int output[2], const int errors[2], pid_t parent) {
    setpgid(0, 0);
    // Where this program is killed, nobody else would end the command.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int nothing = open("/dev/null", O_RDONLY);
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output[1], STDOUT_FILENO) < 0 ||
        dup2(errors[1], STDERR_FILENO) < 0) {
        _exit(126);
    }
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int32_t rb_start_child(const char *command, rb_child *child) {
    int output[2], errors[2];
    if (pipe2(output, O_CLOEXEC) != 0) {
        return -errno;
    }
    if (pipe2(errors, O_CLOEXEC) != 0) {
        const int error = errno;
        close(output[0]);
        close(output[1]);
        return -error;
    }
    // Reading is never waited for.
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    fcntl(errors[0], F_SETFL, O_NONBLOCK);
    fcntl(output[1], F_SETPIPE_SZ, PIPE_BYTES); // fewer wake-ups; no harm where it is refused
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process == 0) {
        become(command, output, errors, parent);
    }
    const int error = errno;
    close(output[1]);
    close(errors[1]);
    if (process < 0) {
        close(output[0]);
        close(errors[0]);
        return -error;
    }
    setpgid(process, process); // whichever of the two comes first
    *child = (rb_child){.process = process, .output = output[0], .errors = errors[0]};
    return 0;
}

static void pause_briefly(void) {
    const struct timespec step = {.tv_nsec = STEP_NS};
    nanosleep(&step, NULL);
}

int32_t rb_end_child(rb_child *child, uint64_t grace_ns) {
    close(child->output);
    close(child->errors);
    int status = 0;
    bool is_over = waitpid(child->process, &status, WNOHANG) == child->process;
    kill(-child->process, SIGTERM);
    const uint64_t deadline = rb_clock_ns() + grace_ns;
    while (!is_over && rb_clock_ns() < deadline) {
        pause_briefly();
        is_over = waitpid(child->process, &status, WNOHANG) == child->process;
    }
    // Those that the command started, too, and what does not listen.
    kill(-child->process, SIGKILL);
    if (!is_over) {
        waitpid(child->process, &status, 0);
    }
    *child = (rb_child){.output = -1, .errors = -1};
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
