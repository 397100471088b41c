// Opening files by name, by one rule for all of them: an output never is an input, nor another output, whatever paths
// and links lead to it; only regular files are emptied and replaced, devices and pipes are written to.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "opening.h"
#include "include/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_INPUTS = 16,
    MOST_OUTPUTS = 64,
    MOST_CLAIMS = 4,
    READER_WAIT_NS = 50 * 1000 * 1000,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of all that is remembered here

// Paths, not what they led to: what they lead to now is what must stay.
static char inputs[MOST_INPUTS][RB_PATH_BYTES];
static int32_t input_count;

// Open descriptors, and paths that are written later.
static int outputs[MOST_OUTPUTS] = {STDOUT_FILENO, STDERR_FILENO};
static int32_t output_count = 2;
static char claims[MOST_CLAIMS][RB_PATH_BYTES];
static int32_t claim_count;

static bool is_same(const struct stat *a, const struct stat *b) {
    return S_ISREG(a->st_mode) && S_ISREG(b->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

typedef struct {
    const struct stat *file;
    int32_t folder;
    bool is_found;
} search;

static void look_at(void *context, const char *name) {
    search *search = context;
    struct stat found;
    if (!search->is_found && fstatat(search->folder, name, &found, 0) == 0) {
        search->is_found = is_same(search->file, &found);
    }
}

// Whether a folder has a file, by whatever name.
static bool holds(const char *path, const struct stat *file) {
    search search = {.file = file, .folder = rb_open_folder(path)};
    if (search.folder < 0) {
        return false;
    }
    rb_each_name(search.folder, look_at, &search);
    close(search.folder);
    return search.is_found;
}

static bool is_input(const struct stat *file) {
    for (int32_t i = 0; i < input_count; i++) {
        struct stat input;
        if (stat(inputs[i], &input) == 0 && (S_ISDIR(input.st_mode) ? holds(inputs[i], file) : is_same(file, &input))) {
            return true;
        }
    }
    return false;
}

// Whether a file is an output, apart from the one that is claimed as `path`.
static bool is_output(const struct stat *file, const char *path) {
    struct stat output;
    for (int32_t i = 0; i < output_count; i++) {
        if (fstat(outputs[i], &output) == 0 && is_same(file, &output)) {
            return true;
        }
    }
    for (int32_t i = 0; i < claim_count; i++) {
        const bool is_own = path && strcmp(path, claims[i]) == 0;
        if (!is_own && stat(claims[i], &output) == 0 && is_same(file, &output)) {
            return true;
        }
    }
    return false;
}

static int32_t output_fault(const struct stat *file, const char *path) {
    if (S_ISDIR(file->st_mode)) {
        return -EISDIR;
    }
    return is_input(file) ? -RB_EISINPUT : is_output(file, path) ? -RB_EISOUTPUT : 0;
}

int32_t rb_check_output(const struct stat *file, const char *path) {
    pthread_mutex_lock(&lock);
    const int32_t fault = output_fault(file, path);
    pthread_mutex_unlock(&lock);
    return fault;
}

static int32_t check_and_remember_output(int descriptor, const struct stat *file) {
    pthread_mutex_lock(&lock);
    const int32_t fault = output_count == MOST_OUTPUTS ? -EMFILE : output_fault(file, NULL);
    if (fault == 0) {
        outputs[output_count++] = descriptor;
    }
    pthread_mutex_unlock(&lock);
    return fault;
}

void rb_forget_output(int32_t descriptor) {
    pthread_mutex_lock(&lock);
    for (int32_t i = 0; i < output_count; i++) {
        if (outputs[i] == descriptor) {
            outputs[i] = outputs[--output_count];
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

static bool remembers_input(const char *path) {
    for (int32_t i = 0; i < input_count; i++) {
        if (strcmp(inputs[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static int32_t check_and_remember_input(const char *path, const struct stat *file) {
    pthread_mutex_lock(&lock);
    const bool is_free = !is_output(file, NULL);
    // The first are those that last as long as the program. Where there are more, as with pictures, nothing is opened
    // for writing behind them.
    if (is_free && input_count < MOST_INPUTS && strlen(path) < RB_PATH_BYTES && !remembers_input(path)) {
        strcpy(inputs[input_count++], path);
    }
    pthread_mutex_unlock(&lock);
    return is_free ? 0 : -RB_EISOUTPUT;
}

void rb_open_standard_descriptors(void) {
    for (;;) {
        // Anything written there is an error, and not lost without a word. O_PATH needs no rights and no /dev.
        const int descriptor = open("/", O_PATH);
        if (descriptor < 0 || descriptor > STDERR_FILENO) {
            close(descriptor);
            return;
        }
    }
}

int32_t rb_open_input(const char *path, rb_file_state *state) {
    const int32_t descriptor = rb_open_regular(path, state);
    if (descriptor < 0) {
        return descriptor;
    }
    struct stat file;
    const int32_t fault = fstat(descriptor, &file) == 0 ? check_and_remember_input(path, &file) : -errno;
    if (fault != 0) {
        close(descriptor);
        return fault;
    }
    return descriptor;
}

int32_t rb_open_input_folder(const char *path) {
    const int32_t folder = rb_open_folder(path);
    struct stat state;
    if (folder >= 0 && fstat(folder, &state) == 0) {
        check_and_remember_input(path, &state);
    }
    return folder;
}

int32_t rb_open_input_in(int32_t folder, const char *name, rb_file_state *state) {
    const int32_t descriptor = rb_open_regular_in(folder, name, state);
    if (descriptor < 0) {
        return descriptor;
    }
    struct stat file;
    int32_t fault = fstat(descriptor, &file) == 0 ? 0 : -errno;
    if (fault == 0) {
        pthread_mutex_lock(&lock);
        fault = is_output(&file, NULL) ? -RB_EISOUTPUT : 0;
        pthread_mutex_unlock(&lock);
    }
    if (fault != 0) {
        close(descriptor);
        return fault;
    }
    return descriptor;
}

int32_t rb_check_input(const char *path) {
    struct stat file;
    if (stat(path, &file) != 0) {
        return 0;
    }
    pthread_mutex_lock(&lock);
    const bool is_free = !is_output(&file, NULL);
    pthread_mutex_unlock(&lock);
    return is_free ? 0 : -RB_EISOUTPUT;
}

static bool is_pipe(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && S_ISFIFO(file.st_mode);
}

int32_t rb_open_for_writing(const char *path, int flags) {
    for (;;) {
        const int descriptor = open(path, flags | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
        if (descriptor >= 0) {
            return descriptor;
        }
        const int error = errno;
        if (error != ENXIO || !is_pipe(path)) {
            return -error;
        }
        rb_sleep_until(rb_clock_ns() + READER_WAIT_NS);
        if (rb_stop_requested()) {
            return -EINTR;
        }
    }
}

int32_t rb_open_output(const char *path, bool appends, rb_output_file *file) {
    // What is appended to is also read: a pipe would then have a reader in this program.
    const bool reads = appends && !is_pipe(path);
    const int32_t descriptor = rb_open_for_writing(path, (reads ? O_RDWR : O_WRONLY) | (appends ? O_APPEND : 0));
    if (descriptor < 0) {
        return descriptor;
    }
    struct stat found;
    int32_t fault = fstat(descriptor, &found) == 0 ? check_and_remember_output(descriptor, &found) : -errno;
    // Emptied only now that it is known to be nothing else's.
    if (fault == 0 && !appends && S_ISREG(found.st_mode) && ftruncate(descriptor, 0) != 0) {
        fault = -errno;
    }
    if (fault != 0) {
        rb_forget_output(descriptor);
        close(descriptor);
        return fault;
    }
    *file = (rb_output_file){.is_regular = S_ISREG(found.st_mode),
                             .count = appends && S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0};
    return descriptor;
}

int32_t rb_real_path(const char *path, char result[RB_PATH_BYTES]) {
    return realpath(path, result) ? 0 : -errno;
}

// Whether two paths name one entry of a folder, whether it is there or not.
static bool is_same_entry(const char *a, const char *b) {
    const char *const paths[] = {a, b};
    struct stat folders[2];
    const char *names[2];
    for (int32_t i = 0; i < 2; i++) {
        char folder[RB_PATH_BYTES];
        const char *slash = strrchr(paths[i], '/');
        const size_t length = slash ? (size_t)(slash - paths[i]) + 1 : 0;
        if (length >= sizeof folder) {
            return false;
        }
        memcpy(folder, paths[i], length);
        folder[length] = '\0';
        names[i] = paths[i] + length;
        if (stat(slash ? folder : ".", &folders[i]) != 0) {
            return false;
        }
    }
    return folders[0].st_dev == folders[1].st_dev && folders[0].st_ino == folders[1].st_ino &&
           strcmp(names[0], names[1]) == 0;
}

int32_t rb_claim_output(const char *path) {
    if (strlen(path) >= RB_PATH_BYTES || claim_count == MOST_CLAIMS) {
        return -ENAMETOOLONG;
    }
    struct stat file;
    const bool exists = stat(path, &file) == 0;
    pthread_mutex_lock(&lock);
    int32_t fault = exists ? output_fault(&file, NULL) : 0;
    for (int32_t i = 0; i < claim_count && !exists; i++) {
        fault = is_same_entry(path, claims[i]) ? -RB_EISOUTPUT : fault;
    }
    if (fault == 0) {
        strcpy(claims[claim_count++], path);
    }
    pthread_mutex_unlock(&lock);
    return fault;
}
