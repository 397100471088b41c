#define _GNU_SOURCE
#include "include/metrics_server.h"
#include "pool.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    // What a connection can take of the pool, generously: headers, the text, and what libevent keeps beside them.
    CONNECTION_BYTES = 96 * 1024,
    MAXIMUM_HEADER_BYTES = 8 * 1024,
    TIMEOUT_S = 5, // for a request and its answer
    RETRY_US = 100 * 1000,
    STACK_BYTES = 256 * 1024,
};

static struct {
    pthread_mutex_t lock; // of the text
    char text[RB_METRICS_BYTES];
    size_t count;

    struct event_base *base;
    struct evconnlistener *listener;
    struct event *retry;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

void rb_metrics_publish(const void *text, size_t count) {
    pthread_mutex_lock(&server.lock);
    server.count = count < sizeof server.text ? count : sizeof server.text;
    memcpy(server.text, text, server.count);
    pthread_mutex_unlock(&server.lock);
}

// A connection is for one answer: those who only keep theirs open would shut others out.
static void close_after(struct evhttp_request *request) {
    evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
}

static void answer(struct evhttp_request *request, void *unused) {
    (void)unused;
    close_after(request);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/plain; version=0.0.4; charset=utf-8");
    pthread_mutex_lock(&server.lock);
    const bool is_whole =
        server.count > 0 && evbuffer_add(evhttp_request_get_output_buffer(request), server.text, server.count) == 0;
    pthread_mutex_unlock(&server.lock);
    if (is_whole) {
        evhttp_send_reply(request, HTTP_OK, "OK", NULL);
    } else {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
    }
}

static void not_found(struct evhttp_request *request, void *unused) {
    (void)unused;
    close_after(request);
    evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

static bool has_room(void) {
    return pool_left() >= 2 * CONNECTION_BYTES;
}

// Called for each connection before libevent takes memory for it: others wait in the kernel's queue while this many are
// open.
static struct bufferevent *before_connection(struct event_base *base, void *unused) {
    (void)base, (void)unused;
    if (!has_room()) {
        evconnlistener_disable(server.listener);
        const struct timeval delay = {.tv_usec = RETRY_US};
        event_add(server.retry, &delay);
    }
    return NULL; // libevent makes the usual one
}

static void accept_again(evutil_socket_t descriptor, short events, void *unused) {
    (void)descriptor, (void)events, (void)unused;
    if (has_room()) {
        evconnlistener_enable(server.listener);
    } else {
        const struct timeval delay = {.tv_usec = RETRY_US};
        event_add(server.retry, &delay);
    }
}

// libevent's warnings are about what clients do, which is theirs to learn from the answers.
static void say_nothing(int severity, const char *message) {
    (void)severity, (void)message;
}

static jmp_buf set_up_failure;
static bool is_set_up;

// Where libevent cannot go on, metrics end, not the program; before they have begun, the program says so.
static void end_metrics(int error) {
    (void)error;
    if (!is_set_up) {
        longjmp(set_up_failure, 1);
    }
    for (;;) {
        pause();
    }
}

// Without a free descriptor there is nothing to accept with, until another connection ends.
static void on_accept_error(struct evconnlistener *listener, void *unused) {
    (void)unused;
    evconnlistener_disable(listener);
    const struct timeval delay = {.tv_usec = RETRY_US};
    event_add(server.retry, &delay);
}

static bool set_up(int32_t listener) {
    tzset(); // takes memory, and else would with the first answer's date
    event_set_mem_functions(pool_allocate, pool_resize, pool_free);
    event_set_log_callback(say_nothing);
    event_set_fatal_callback(end_metrics);
    server.base = event_base_new();
    struct evhttp *http = server.base ? evhttp_new(server.base) : NULL;
    if (!http) {
        return false;
    }
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(http, MAXIMUM_HEADER_BYTES);
    evhttp_set_max_body_size(http, 0);
    evhttp_set_timeout(http, TIMEOUT_S);
    evhttp_set_bevcb(http, before_connection, NULL);
    evhttp_set_gencb(http, not_found, NULL);
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(http, listener);
    server.listener = bound ? evhttp_bound_socket_get_listener(bound) : NULL;
    server.retry = evtimer_new(server.base, accept_again, NULL);
    if (!server.listener || !server.retry || evhttp_set_cb(http, "/metrics", answer, NULL) != 0) {
        return false;
    }
    evconnlistener_set_error_cb(server.listener, on_accept_error);
    return true;
}

static void *serve(void *unused) {
    (void)unused;
    event_base_dispatch(server.base);
    return NULL;
}

int32_t rb_metrics_start(int32_t listener) {
    errno = 0;
    if (setjmp(set_up_failure) || !set_up(listener)) {
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOMEM;
    }
    is_set_up = true;
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, serve, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}
