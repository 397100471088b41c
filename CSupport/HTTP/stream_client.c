#define _GNU_SOURCE
#include "include/stream_client.h"
#include "library.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>

enum {
    PORT = 80,
    MAXIMUM_HEADER_BYTES = 16 * 1024,
    TIMEOUT_S = 60, // whoever takes the frames notices a stall long before
    CREDENTIALS_BYTES = 256,
    PATH_BYTES = RB_HTTP_ADDRESS_BYTES + 2,
    OK = 200,
};

typedef struct {
    struct event_base *base;
    struct evdns_base *names;
    struct evhttp_connection *connection;
    struct event *stop;
    bool (*take)(void *context, const uint8_t *bytes, size_t count);
    void *context;
    bool is_answered;
    int32_t result;
} fetch;

static struct evhttp_uri *parse(const char *address) {
    struct evhttp_uri *uri = strlen(address) <= RB_HTTP_ADDRESS_BYTES ? evhttp_uri_parse(address) : NULL;
    const bool is_whole = uri && evhttp_uri_get_scheme(uri) && strcmp(evhttp_uri_get_scheme(uri), "http") == 0 &&
                          evhttp_uri_get_host(uri) && *evhttp_uri_get_host(uri);
    if (uri && !is_whole) {
        evhttp_uri_free(uri);
        return NULL;
    }
    return uri;
}

bool rb_is_http_address(const char *address) {
    library_begin();
    struct evhttp_uri *uri = parse(address);
    if (uri) {
        evhttp_uri_free(uri);
    }
    return uri != NULL;
}

static void end_with(fetch *fetch, int32_t result) {
    fetch->result = result;
    event_base_loopbreak(fetch->base);
}

static void on_stop(evutil_socket_t descriptor, short events, void *context) {
    (void)descriptor, (void)events;
    end_with(context, -EINTR);
}

static int on_headers(struct evhttp_request *request, void *context) {
    fetch *fetch = context;
    fetch->is_answered = true;
    const int status = evhttp_request_get_response_code(request);
    if (status != OK) {
        end_with(fetch, status > 0 ? status : -EPROTO);
        return -1;
    }
    return 0;
}

static void on_bytes(struct evhttp_request *request, void *context) {
    fetch *fetch = context;
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    struct evbuffer_iovec pieces[16];
    int count;
    while (fetch->result == 0 && (count = evbuffer_peek(input, -1, NULL, pieces, 16)) > 0) {
        size_t taken = 0;
        for (int i = 0; i < count && i < 16 && fetch->result == 0; i++) {
            taken += pieces[i].iov_len;
            if (!fetch->take(fetch->context, pieces[i].iov_base, pieces[i].iov_len)) {
                end_with(fetch, -ECANCELED);
            }
        }
        evbuffer_drain(input, taken);
    }
}

static void on_end(struct evhttp_request *request, void *context) {
    (void)request;
    fetch *fetch = context;
    if (fetch->result == 0 && !fetch->is_answered) {
        fetch->result = -ECONNREFUSED;
    }
    event_base_loopbreak(fetch->base);
}

// RFC 4648.
static void write_base64(const char *text, char *result) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t left = strlen(text); left > 0; left -= left < 3 ? left : 3, text += 3, result += 4) {
        const unsigned first = (unsigned char)text[0], second = left > 1 ? (unsigned char)text[1] : 0,
                       third = left > 2 ? (unsigned char)text[2] : 0;
        const unsigned group = first << 16 | second << 8 | third;
        result[0] = digits[group >> 18];
        result[1] = digits[group >> 12 & 63];
        result[2] = left > 1 ? digits[group >> 6 & 63] : '=';
        result[3] = left > 2 ? digits[group & 63] : '=';
    }
    *result = '\0';
}

// Of the header and without the brackets that an IPv6 address has there.
typedef struct {
    char header[RB_HTTP_ADDRESS_BYTES + 8], name[RB_HTTP_ADDRESS_BYTES];
    unsigned short port;
} place;

static place place_of(const struct evhttp_uri *uri) {
    const char *host = evhttp_uri_get_host(uri);
    const int given = evhttp_uri_get_port(uri);
    place place = {.port = (unsigned short)(given > 0 ? given : PORT)};
    snprintf(place.header, sizeof place.header, given > 0 ? "%s:%d" : "%s", host, given);
    const bool is_bracketed = host[0] == '[';
    snprintf(place.name, sizeof place.name, "%s", host + is_bracketed);
    if (is_bracketed && strchr(place.name, ']')) {
        *strchr(place.name, ']') = '\0';
    }
    return place;
}

static void add_headers(struct evhttp_request *request, const struct evhttp_uri *uri, const char *host) {
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Host", host);
    evhttp_add_header(headers, "Connection", "close");
    const char *user = evhttp_uri_get_userinfo(uri);
    if (user && strlen(user) <= CREDENTIALS_BYTES) {
        char credentials[sizeof "Basic " + (CREDENTIALS_BYTES + 2) / 3 * 4] = "Basic ";
        write_base64(user, credentials + strlen(credentials));
        evhttp_add_header(headers, "Authorization", credentials);
    }
}

static bool ask(fetch *fetch, const struct evhttp_uri *uri) {
    const place place = place_of(uri);
    fetch->connection = evhttp_connection_base_new(fetch->base, fetch->names, place.name, place.port);
    struct evhttp_request *request = fetch->connection ? evhttp_request_new(on_end, fetch) : NULL;
    if (!request) {
        return false;
    }
    evhttp_connection_set_timeout(fetch->connection, TIMEOUT_S);
    evhttp_connection_set_max_headers_size(fetch->connection, MAXIMUM_HEADER_BYTES);
    evhttp_request_set_header_cb(request, on_headers);
    evhttp_request_set_chunked_cb(request, on_bytes);
    add_headers(request, uri, place.header);
    char path[PATH_BYTES];
    const char *given = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);
    snprintf(path, sizeof path, "%s%s%s", given && *given ? given : "/", query ? "?" : "", query ? query : "");
    return evhttp_make_request(fetch->connection, request, EVHTTP_REQ_GET, path) == 0;
}

static bool set_up(fetch *fetch, const struct evhttp_uri *uri, int32_t stop) {
    fetch->base = event_base_new();
    fetch->names = fetch->base ? evdns_base_new(fetch->base, 0) : NULL;
    if (!fetch->names) {
        return false;
    }
    // Without name servers numbers are still understood.
    evdns_base_resolv_conf_parse(fetch->names, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    fetch->stop = event_new(fetch->base, stop, EV_READ, on_stop, fetch);
    return fetch->stop && event_add(fetch->stop, NULL) == 0 && ask(fetch, uri);
}

static void tear_down(fetch *fetch) {
    if (fetch->connection) {
        evhttp_connection_free(fetch->connection);
    }
    if (fetch->stop) {
        event_free(fetch->stop);
    }
    if (fetch->names) {
        evdns_base_free(fetch->names, 0);
    }
    if (fetch->base) {
        event_base_free(fetch->base);
    }
}

int32_t rb_http_get(const char *address, int32_t stop, bool (*take)(void *context, const uint8_t *bytes, size_t count),
                    void *context) {
    library_begin();
    jmp_buf failure;
    // What libevent had taken of the pool by then is lost.
    if (setjmp(failure)) {
        return -ENOMEM;
    }
    library_on_fatal(&failure);
    struct evhttp_uri *uri = parse(address);
    fetch fetch = {.take = take, .context = context};
    if (!uri) {
        library_on_fatal(NULL);
        return -EINVAL;
    }
    if (set_up(&fetch, uri, stop)) {
        event_base_dispatch(fetch.base);
    } else {
        fetch.result = -ENOMEM;
    }
    tear_down(&fetch);
    evhttp_uri_free(uri);
    library_on_fatal(NULL);
    return fetch.result;
}
