// Who looks at the live page and what goes to them: pictures and answers as they come, what becomes of their commands.
//
// Nobody looks: nothing is wanted of the run, and nothing here runs. Somebody looks: ten times a second something new
// is wanted, and the run leaves it when it has it. A client that does not keep up misses pictures, and holds up nobody.
#define _GNU_SOURCE
#include "page.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

enum {
    MOST_CLIENTS = 16, // who wait or watch at a time
    MOST_VIEWERS = 4,  // of pictures
    PERIOD_US = 100 * 1000,
    QUIET_TURNS = 100, // after so many periods without news a word shows that the connection stands
    WRITE_TIMEOUT_S = 10,
    WAIT_TURNS = 50,            // for one answer, one picture or a command
    CLASSIFICATION_TURNS = 600, // for the answer to a client's own picture
};

typedef struct {
    client_kind kind;
    struct evhttp_request *request;
    struct evhttp_connection *connection;
    int turns; // since something was sent
} watcher;

// What one client gets for what it gave.
typedef struct {
    char json[RB_ANSWER_BYTES];
    size_t count;
    int32_t status;
    bool is_there;
} reply;

static struct {
    pthread_mutex_t lock; // of all up to the next empty line
    char answer[RB_ANSWER_BYTES], settings[RB_ANSWER_BYTES];
    size_t answer_count, settings_count, upload_count;
    bool has_answer, has_picture, has_upload;
    reply to_command, to_upload;
    char command_text[RB_COMMAND_BYTES];
    pthread_cond_t on_upload;

    atomic_uint wants;
    atomic_int command; // rb_page_command
    int news;           // readable when the run has left something
    rb_page page;
    struct event *on_news, *on_turn;
    bool has_commanded, has_uploaded; // and was not answered yet
    watcher watchers[MOST_CLIENTS];
    uint8_t jpeg[RB_PICTURE_BYTES];
    uint8_t upload[RB_UPLOAD_BYTES];
} page = {.lock = PTHREAD_MUTEX_INITIALIZER, .on_upload = PTHREAD_COND_INITIALIZER};

// --- The run's thread ---

uint32_t rb_page_wants(void) {
    return atomic_load_explicit(&page.wants, memory_order_relaxed);
}

static void wake(void) {
    eventfd_write(page.news, 1);
}

static size_t keep(char *memory, size_t capacity, const void *bytes, size_t count) {
    const size_t kept = count < capacity ? count : capacity;
    memcpy(memory, bytes, kept);
    return kept;
}

void rb_page_publish_answer(const void *json, size_t count) {
    pthread_mutex_lock(&page.lock);
    page.answer_count = keep(page.answer, sizeof page.answer, json, count);
    page.has_answer = true;
    pthread_mutex_unlock(&page.lock);
    atomic_fetch_and(&page.wants, ~(unsigned)RB_WANTS_ANSWER);
    wake();
}

void rb_page_publish_settings(const void *json, size_t count) {
    pthread_mutex_lock(&page.lock);
    page.settings_count = keep(page.settings, sizeof page.settings, json, count);
    pthread_mutex_unlock(&page.lock);
}

void rb_page_publish_picture(void) {
    atomic_fetch_and(&page.wants, ~(unsigned)RB_WANTS_PICTURE);
    pthread_mutex_lock(&page.lock);
    page.has_picture = true;
    pthread_mutex_unlock(&page.lock);
    wake();
}

rb_page_command rb_page_take_command(const char **text) {
    *text = page.command_text;
    return (rb_page_command)atomic_exchange(&page.command, RB_NO_COMMAND);
}

static void leave_reply(reply *reply, int32_t status, const void *json, size_t count) {
    pthread_mutex_lock(&page.lock);
    reply->count = keep(reply->json, sizeof reply->json, json, count);
    reply->status = status;
    reply->is_there = true;
    pthread_mutex_unlock(&page.lock);
    wake();
}

void rb_page_reply(int32_t status, const void *json, size_t count) {
    leave_reply(&page.to_command, status, json, count);
}

// --- The thread that classifies ---

size_t rb_page_await_upload(const uint8_t **picture) {
    pthread_mutex_lock(&page.lock);
    while (!page.has_upload) {
        pthread_cond_wait(&page.on_upload, &page.lock);
    }
    page.has_upload = false;
    pthread_mutex_unlock(&page.lock);
    *picture = page.upload;
    return page.upload_count;
}

void rb_page_answer_upload(int32_t status, const void *json, size_t count) {
    leave_reply(&page.to_upload, status, json, count);
}

// --- Clients that wait or watch ---

static int count_of(client_kind kind) {
    int count = 0;
    for (int i = 0; i < MOST_CLIENTS; i++) {
        count += page.watchers[i].kind == kind;
    }
    return count;
}

static void leave(watcher *watcher) {
    evhttp_connection_set_closecb(watcher->connection, NULL, NULL);
    watcher->kind = NOBODY;
}

static void on_close(struct evhttp_connection *connection, void *context) {
    (void)connection;
    watcher *gone = context;
    gone->kind = NOBODY;
    // A request that waits for its answer, or for the rest of it, libevent leaves to whoever was to give it.
    if (!evhttp_request_get_connection(gone->request)) {
        evhttp_request_free(gone->request);
    }
}

// Says what is wanted now, and goes on turning while anybody is there.
static void want(void) {
    const int viewers = count_of(STREAM) + count_of(SNAPSHOT), readers = count_of(EVENTS) + count_of(ANSWER);
    pthread_mutex_lock(&page.lock);
    const bool is_free = !page.has_picture;
    pthread_mutex_unlock(&page.lock);
    atomic_fetch_or(&page.wants, (viewers > 0 && is_free ? (unsigned)RB_WANTS_PICTURE : 0) |
                                     (readers > 0 ? (unsigned)RB_WANTS_ANSWER : 0));
    if (viewers + readers + count_of(COMMAND) + count_of(UPLOAD) > 0) {
        const struct timeval period = {.tv_usec = PERIOD_US};
        event_add(page.on_turn, &period);
    } else {
        atomic_store(&page.wants, 0);
    }
}

bool page_join(struct evhttp_request *request, client_kind kind) {
    watcher *free_place = NULL;
    for (int i = 0; i < MOST_CLIENTS && !free_place; i++) {
        free_place = page.watchers[i].kind == NOBODY ? &page.watchers[i] : NULL;
    }
    if (!free_place || (kind == STREAM && count_of(STREAM) == MOST_VIEWERS)) {
        page_refuse(request, HTTP_SERVUNAVAIL, "too many look already");
        return false;
    }
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    *free_place = (watcher){.kind = kind, .request = request, .connection = connection};
    evhttp_connection_set_closecb(connection, on_close, free_place);
    // Whoever watches says nothing more, and must take what comes.
    const struct timeval limit = {.tv_sec = WRITE_TIMEOUT_S};
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, &limit);
    want();
    return true;
}

// Whether all that was sent before is on its way.
static bool keeps_up(const watcher *watcher) {
    struct bufferevent *stream = evhttp_connection_get_bufferevent(watcher->connection);
    return evbuffer_get_length(bufferevent_get_output(stream)) == 0;
}

static void send_piece(watcher *watcher, const char *head, const void *bytes, size_t count, const char *tail) {
    struct evbuffer *piece = keeps_up(watcher) ? evbuffer_new() : NULL;
    if (!piece) {
        return;
    }
    watcher->turns = 0;
    if (evbuffer_add(piece, head, strlen(head)) == 0 && evbuffer_add(piece, bytes, count) == 0 &&
        evbuffer_add(piece, tail, strlen(tail)) == 0) {
        evhttp_send_reply_chunk(watcher->request, piece);
    }
    evbuffer_free(piece);
}

static void finish(watcher *watcher, int status, const char *type, const void *bytes, size_t count) {
    struct evhttp_request *request = watcher->request;
    leave(watcher);
    page_send(request, status, type, bytes, count);
}

static void send_answer(void) {
    for (watcher *watcher = page.watchers; watcher < page.watchers + MOST_CLIENTS; watcher++) {
        if (watcher->kind == EVENTS) {
            send_piece(watcher, "data: ", page.answer, page.answer_count, "\n\n");
        } else if (watcher->kind == ANSWER) {
            finish(watcher, HTTP_OK, "application/json", page.answer, page.answer_count);
        }
    }
}

static void send_picture(size_t count) {
    char head[128];
    snprintf(head, sizeof head, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n", count);
    for (watcher *watcher = page.watchers; watcher < page.watchers + MOST_CLIENTS; watcher++) {
        if (watcher->kind == STREAM) {
            send_piece(watcher, head, page.jpeg, count, "\r\n");
        } else if (watcher->kind == SNAPSHOT) {
            finish(watcher, HTTP_OK, "image/jpeg", page.jpeg, count);
        }
    }
}

// To who waits for it: one client at most. `is_awaited` until then.
static void send_reply(client_kind kind, reply *reply, bool *is_awaited) {
    if (!reply->is_there) {
        return;
    }
    reply->is_there = *is_awaited = false;
    for (watcher *watcher = page.watchers; watcher < page.watchers + MOST_CLIENTS; watcher++) {
        if (watcher->kind == kind) {
            finish(watcher, reply->status, "application/json", reply->json, reply->count);
        }
    }
}

static void on_news(evutil_socket_t descriptor, short events, void *unused) {
    (void)events, (void)unused;
    eventfd_t value;
    eventfd_read((int)descriptor, &value);
    pthread_mutex_lock(&page.lock);
    const bool has_picture = page.has_picture;
    if (page.has_answer) {
        page.has_answer = false;
        send_answer();
    }
    send_reply(COMMAND, &page.to_command, &page.has_commanded);
    send_reply(UPLOAD, &page.to_upload, &page.has_uploaded);
    pthread_mutex_unlock(&page.lock);
    if (has_picture) {
        const size_t count = page.page.encode(page.page.context, page.jpeg, sizeof page.jpeg);
        if (count > 0) {
            send_picture(count);
        }
        pthread_mutex_lock(&page.lock);
        page.has_picture = false;
        pthread_mutex_unlock(&page.lock);
    }
}

static void on_turn(evutil_socket_t descriptor, short events, void *unused) {
    (void)descriptor, (void)events, (void)unused;
    for (watcher *watcher = page.watchers; watcher < page.watchers + MOST_CLIENTS; watcher++) {
        watcher->turns++;
        if (watcher->kind == EVENTS && watcher->turns >= QUIET_TURNS) {
            send_piece(watcher, ":", "", 0, "\n\n");
        } else if (watcher->kind > STREAM &&
                   watcher->turns >= (watcher->kind == UPLOAD ? CLASSIFICATION_TURNS : WAIT_TURNS)) {
            static const char json[] = "{\"error\":\"no answer came in time\"}\n";
            finish(watcher, HTTP_SERVUNAVAIL, "application/json", json, sizeof json - 1);
        }
    }
    want();
}

// --- What clients give ---

void page_give_command(struct evhttp_request *request, rb_page_command command) {
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const size_t count = evbuffer_get_length(body);
    if (count >= sizeof page.command_text) {
        page_refuse(request, 413, "this is more than a command");
    } else if (page.has_commanded) {
        page_refuse(request, HTTP_SERVUNAVAIL, "another change is under way; try again");
    } else if (page_join(request, COMMAND)) {
        evbuffer_copyout(body, page.command_text, count);
        page.command_text[count] = '\0';
        page.has_commanded = true;
        atomic_store(&page.command, command);
    }
}

void page_give_upload(struct evhttp_request *request) {
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const size_t count = evbuffer_get_length(body);
    if (count == 0) {
        page_refuse(request, HTTP_BADREQUEST, "send the bytes of a JPEG or PNG picture");
    } else if (page.has_uploaded) {
        page_refuse(request, HTTP_SERVUNAVAIL, "another picture is under way; try again");
    } else if (page_join(request, UPLOAD)) {
        pthread_mutex_lock(&page.lock);
        evbuffer_copyout(body, page.upload, count);
        page.upload_count = count;
        page.has_upload = page.has_uploaded = true;
        pthread_cond_signal(&page.on_upload);
        pthread_mutex_unlock(&page.lock);
    }
}

void page_send_settings(struct evhttp_request *request) {
    pthread_mutex_lock(&page.lock);
    page_send(request, HTTP_OK, "application/json", page.settings, page.settings_count);
    pthread_mutex_unlock(&page.lock);
}

const char *page_token(void) {
    return page.page.token;
}

bool page_open(struct event_base *base, struct evhttp *http, const rb_page *given) {
    page.page = *given;
    page.news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    page.on_news = page.news >= 0 ? event_new(base, page.news, EV_READ | EV_PERSIST, on_news, NULL) : NULL;
    page.on_turn = evtimer_new(base, on_turn, NULL);
    return page.on_news && page.on_turn && event_add(page.on_news, NULL) == 0 && page_serve_requests(http);
}
