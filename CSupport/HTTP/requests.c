// What can be asked of the live page: paths, methods, who may.
#include "page.h"
#include <event2/buffer.h>
#include <stdio.h>

static const char page_html[] = {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#embed "page.html"
#pragma clang diagnostic pop
};

static void add_headers(struct evhttp_request *request, const char *type) {
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    http_close_after(request);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Cross-Origin-Resource-Policy", "same-origin");
}

void page_send(struct evhttp_request *request, int status, const char *type, const void *bytes, size_t count) {
    add_headers(request, type);
    if (evbuffer_add(evhttp_request_get_output_buffer(request), bytes, count) == 0) {
        evhttp_send_reply(request, status, status == HTTP_OK ? "OK" : "Refused", NULL);
    } else {
        evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
    }
}

void page_refuse(struct evhttp_request *request, int status, const char *sentence) {
    char json[256];
    const int count = snprintf(json, sizeof json, "{\"error\":\"%s\"}\n", sentence);
    page_send(request, status, "application/json", json, (size_t)count);
}

static bool is_refused(struct evhttp_request *request) {
    switch (access_to_rest(request, page_token())) {
    case ACCESS_GRANTED:
        return false;
    case ACCESS_WRONG_HOST:
        page_refuse(request, 421, "this camera is asked by its address, not by this name");
        break;
    case ACCESS_FOREIGN_PAGE:
        page_refuse(request, 403, "the page of another site may not ask");
        break;
    case ACCESS_NO_TOKEN:
        page_refuse(request, 401, "the token is missing or wrong");
        break;
    }
    return true;
}

// --- What can be asked for ---

static bool is_get(struct evhttp_request *request) {
    const enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD) {
        return true;
    }
    page_refuse(request, HTTP_BADMETHOD, "this can only be read");
    return false;
}

static void on_page(struct evhttp_request *request, void *unused) {
    (void)unused;
    if (!is_get(request)) {
        return;
    }
    if (access_to_page(request) != ACCESS_GRANTED) {
        page_refuse(request, 421, "this camera is asked by its address, not by this name");
        return;
    }
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' blob: "
                      "data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    page_send(request, HTTP_OK, "text/html; charset=utf-8", page_html, sizeof page_html);
}

static void watch(struct evhttp_request *request, client_kind kind, const char *type) {
    if (is_refused(request) || !is_get(request) || !page_join(request, kind) || !type) {
        return;
    }
    add_headers(request, type);
    evhttp_send_reply_start(request, HTTP_OK, "OK");
}

static void on_events(struct evhttp_request *request, void *unused) {
    (void)unused;
    watch(request, EVENTS, "text/event-stream");
}

static void on_stream(struct evhttp_request *request, void *unused) {
    (void)unused;
    watch(request, STREAM, "multipart/x-mixed-replace; boundary=frame");
}

static void on_answer(struct evhttp_request *request, void *unused) {
    (void)unused;
    watch(request, ANSWER, NULL);
}

static void on_snapshot(struct evhttp_request *request, void *unused) {
    (void)unused;
    watch(request, SNAPSHOT, NULL);
}

static void on_settings(struct evhttp_request *request, void *unused) {
    (void)unused;
    if (is_refused(request)) {
        return;
    }
    if (evhttp_request_get_command(request) == EVHTTP_REQ_POST) {
        page_give_command(request, RB_CHANGE_SETTINGS);
    } else {
        page_send_settings(request);
    }
}

// A change: false, and answered, where it is none or may not be.
static bool is_post(struct evhttp_request *request) {
    if (is_refused(request)) {
        return false;
    }
    if (evhttp_request_get_command(request) == EVHTTP_REQ_POST) {
        return true;
    }
    page_refuse(request, HTTP_BADMETHOD, "this is to be posted");
    return false;
}

static void on_keep(struct evhttp_request *request, void *unused) {
    (void)unused;
    if (is_post(request)) {
        page_give_command(request, RB_KEEP_FRAME);
    }
}

static void on_classify(struct evhttp_request *request, void *unused) {
    (void)unused;
    if (is_post(request)) {
        page_give_upload(request);
    }
}

bool page_serve_requests(struct evhttp *http) {
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
    evhttp_set_max_body_size(http, RB_UPLOAD_BYTES);
    static const struct {
        const char *path;
        void (*answer)(struct evhttp_request *request, void *unused);
    } paths[] = {{"/", on_page},
                 {"/metrics", http_answer_metrics},
                 {"/events", on_events},
                 {"/stream.mjpg", on_stream},
                 {"/answer.json", on_answer},
                 {"/snapshot.jpg", on_snapshot},
                 {"/settings", on_settings},
                 {"/keep", on_keep},
                 {"/classify", on_classify}};
    bool is_whole = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        is_whole = is_whole && evhttp_set_cb(http, paths[i].path, paths[i].answer, NULL) == 0;
    }
    return is_whole;
}
