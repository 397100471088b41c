#define _GNU_SOURCE
#include "library.h"
#include "page.h"
#include "pool.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

enum {
    // What a connection can take of the pool, generously: headers, the text, and what libevent keeps beside them.
    CONNECTION_BYTES = 96 * 1024,
    MAXIMUM_HEADER_BYTES = 8 * 1024,
    TIMEOUT_S = 5, // for a request and its answer
    RETRY_US = 100 * 1000,
    STACK_BYTES = 256 * 1024,
};

// A place that is served.
typedef struct {
    struct evconnlistener *listener;
    struct event *retry;
} door;

static struct {
    pthread_mutex_t lock; // of the text
    char text[RB_METRICS_BYTES];
    size_t count;

    struct event_base *base;
    door metrics, page;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

void rb_metrics_publish(const void *text, size_t count) {
    pthread_mutex_lock(&server.lock);
    server.count = count < sizeof server.text ? count : sizeof server.text;
    memcpy(server.text, text, server.count);
    pthread_mutex_unlock(&server.lock);
}

void http_close_after(struct evhttp_request *request) {
    evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
}

void http_answer_metrics(struct evhttp_request *request, void *unused) {
    (void)unused;
    http_close_after(request);
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
    http_close_after(request);
    evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

// --- Who comes in ---

static bool has_room(void) {
    return pool_left() >= 2 * CONNECTION_BYTES + RB_UPLOAD_BYTES;
}

static void close_for_a_while(door *door) {
    evconnlistener_disable(door->listener);
    const struct timeval delay = {.tv_usec = RETRY_US};
    event_add(door->retry, &delay);
}

// Called for each connection before libevent takes memory for it: others wait in the kernel's queue while this many are
// open.
static struct bufferevent *before_connection(struct event_base *base, void *context) {
    (void)base;
    if (!has_room()) {
        close_for_a_while(context);
    }
    return NULL; // libevent makes the usual one
}

static void accept_again(evutil_socket_t descriptor, short events, void *context) {
    (void)descriptor, (void)events;
    door *door = context;
    if (has_room()) {
        evconnlistener_enable(door->listener);
    } else {
        close_for_a_while(door);
    }
}

// Without a free descriptor there is nothing to accept with, until another connection ends.
static void on_accept_error(struct evconnlistener *listener, void *context) {
    (void)listener, (void)context;
    close_for_a_while(listener == server.page.listener ? &server.page : &server.metrics);
}

static struct evhttp *open_door(door *door, int32_t listener) {
    struct evhttp *http = evhttp_new(server.base);
    if (!http) {
        return NULL;
    }
    evhttp_set_max_headers_size(http, MAXIMUM_HEADER_BYTES);
    evhttp_set_timeout(http, TIMEOUT_S);
    evhttp_set_bevcb(http, before_connection, door);
    evhttp_set_gencb(http, not_found, NULL);
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(http, listener);
    door->listener = bound ? evhttp_bound_socket_get_listener(bound) : NULL;
    door->retry = evtimer_new(server.base, accept_again, door);
    if (!door->listener || !door->retry) {
        return NULL;
    }
    evconnlistener_set_error_cb(door->listener, on_accept_error);
    return http;
}

static bool serve_metrics(int32_t listener) {
    struct evhttp *http = open_door(&server.metrics, listener);
    if (!http) {
        return false;
    }
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_body_size(http, 0);
    return evhttp_set_cb(http, "/metrics", http_answer_metrics, NULL) == 0;
}

static bool serve_page(const rb_page *page) {
    struct evhttp *http = open_door(&server.page, page->listener);
    return http && page_open(server.base, http, page);
}

static bool set_up(int32_t metrics_listener, const rb_page *page) {
    server.base = event_base_new();
    return server.base && (metrics_listener < 0 || serve_metrics(metrics_listener)) &&
           (page->listener < 0 || serve_page(page));
}

static void *serve(void *unused) {
    (void)unused;
    event_base_dispatch(server.base);
    return NULL;
}

int32_t rb_http_serve(int32_t metrics_listener, const rb_page *page) {
    errno = 0;
    library_begin();
    // Where libevent cannot go on, metrics and page end, not the program; before they have begun, the program says so.
    jmp_buf failure;
    library_on_fatal(&failure);
    if (setjmp(failure) || !set_up(metrics_listener, page)) {
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOMEM;
    }
    library_on_fatal(NULL);
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
