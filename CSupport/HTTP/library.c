#define _GNU_SOURCE
#include "library.h"
#include "pool.h"
#include <event2/event.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static _Thread_local jmp_buf *on_fatal;

// libevent's warnings are about what others do, which is theirs to learn from the answers.
static void say_nothing(int severity, const char *message) {
    (void)severity, (void)message;
}

static void end(int error) {
    (void)error;
    if (on_fatal) {
        longjmp(*on_fatal, 1);
    }
    for (;;) {
        pause();
    }
}

static void begin(void) {
    tzset(); // takes memory, and else would with the first answer's date
    event_set_mem_functions(pool_allocate, pool_resize, pool_free);
    event_set_log_callback(say_nothing);
    event_set_fatal_callback(end);
}

void library_begin(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin);
}

void library_on_fatal(jmp_buf *failure) {
    on_fatal = failure;
}
