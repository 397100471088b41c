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
