// Inside HTTP only: what the server's files ask of each other.
#pragma once
#include "include/http_server.h"
#include <event2/event.h>
#include <event2/http.h>

// A connection is for one answer: those who only keep theirs open would shut others out.
void http_close_after(struct evhttp_request *request);
void http_answer_metrics(struct evhttp_request *request, void *unused);

// Serves the page and all beside it. False where there is no memory.
bool page_open(struct event_base *base, struct evhttp *http, const rb_page *page);

// From ANSWER on they are answered once.
typedef enum { NOBODY, EVENTS, STREAM, ANSWER, SNAPSHOT, COMMAND, UPLOAD } client_kind;

// Lets a client wait or watch. False, and refused, where there are too many.
bool page_join(struct evhttp_request *request, client_kind kind);
// One command at a time, with the request's body as its text, for the run's thread, which answers when it comes to it.
void page_give_command(struct evhttp_request *request, rb_page_command command);
// One picture at a time, for the thread that classifies.
void page_give_upload(struct evhttp_request *request);
void page_send_settings(struct evhttp_request *request);
const char *page_token(void);

// --- requests.c ---

bool page_serve_requests(struct evhttp *http);
void page_send(struct evhttp_request *request, int status, const char *type, const void *bytes, size_t count);
// With a sentence as JSON.
void page_refuse(struct evhttp_request *request, int status, const char *sentence);

// --- access.c ---

typedef enum {
    ACCESS_GRANTED,
    ACCESS_WRONG_HOST,   // the name that the client asked for is none of this machine's: DNS rebinding
    ACCESS_FOREIGN_PAGE, // another site's page asks
    ACCESS_NO_TOKEN
} page_access;

// Whether a request may have the page itself, which tells nothing.
page_access access_to_page(struct evhttp_request *request);
// Whether it may have what the page shows; `token` as in rb_page.
page_access access_to_rest(struct evhttp_request *request, const char *token);
