// Who may see and change something. A browser lets every site send requests to every address, this machine's too: what
// gives such requests away is in their headers.
#define _GNU_SOURCE
#include "page.h"
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HOST_BYTES = 256 };

// Takes as long for a wrong token as for the right one.
static bool is_same(const char *given, size_t count, const char *token) {
    const size_t length = strlen(token);
    unsigned difference = count != length;
    for (size_t i = 0; i < count; i++) {
        difference |= (unsigned char)given[i] ^ (unsigned char)token[length > 0 ? i % length : 0];
    }
    return difference == 0;
}

static bool is_number(const char *host) {
    uint8_t address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

// A name that this machine has by itself, and no name server gives: "camera" and "camera.local".
static bool is_own_name(const char *host) {
    char name[HOST_BYTES] = "";
    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    if (gethostname(name, sizeof name - 1) != 0 || !*name) {
        return false;
    }
    const size_t length = strlen(name);
    return strncasecmp(host, name, length) == 0 && (!host[length] || strcasecmp(host + length, ".local") == 0);
}

// Writes the host of "HOST", "HOST:PORT" or "[HOST]:PORT". False where it is too long.
static bool read_host(const char *header, char host[HOST_BYTES]) {
    const bool is_bracketed = *header == '[';
    const size_t length = strcspn(header + is_bracketed, is_bracketed ? "]" : ":");
    if (length == 0 || length >= HOST_BYTES) {
        return false;
    }
    memcpy(host, header + is_bracketed, length);
    host[length] = '\0';
    return true;
}

static const char *header(struct evhttp_request *request, const char *name) {
    return evhttp_find_header(evhttp_request_get_input_headers(request), name);
}

page_access access_to_page(struct evhttp_request *request) {
    char host[HOST_BYTES];
    const char *given = header(request, "Host");
    return given && read_host(given, host) && (is_number(host) || is_own_name(host)) ? ACCESS_GRANTED
                                                                                     : ACCESS_WRONG_HOST;
}

// Whether the page that asks, if one does, came from here.
static bool is_own_page(struct evhttp_request *request) {
    const char *site = header(request, "Sec-Fetch-Site"), *origin = header(request, "Origin");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
        return false;
    }
    static const char scheme[] = "http://";
    return !origin || (strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
                       strcasecmp(origin + sizeof scheme - 1, header(request, "Host")) == 0);
}

// "Authorization: Bearer TOKEN", or the cookie that the page sets.
static bool knows_token(struct evhttp_request *request, const char *token) {
    static const char bearer[] = "Bearer ", cookie[] = "rarebit=";
    const char *authorization = header(request, "Authorization"), *cookies = header(request, "Cookie");
    if (authorization && strncmp(authorization, bearer, sizeof bearer - 1) == 0) {
        const char *given = authorization + sizeof bearer - 1;
        return is_same(given, strlen(given), token);
    }
    for (const char *next = cookies; next && *next; next += *next ? 1 : 0) {
        next += strspn(next, " ");
        const size_t length = strcspn(next, ";");
        if (length >= sizeof cookie - 1 && strncmp(next, cookie, sizeof cookie - 1) == 0) {
            return is_same(next + sizeof cookie - 1, length - (sizeof cookie - 1), token);
        }
        next += length;
    }
    return false;
}

page_access access_to_rest(struct evhttp_request *request, const char *token) {
    const page_access access = access_to_page(request);
    if (access != ACCESS_GRANTED) {
        return access;
    }
    if (!is_own_page(request)) {
        return ACCESS_FOREIGN_PAGE;
    }
    return !token || knows_token(request, token) ? ACCESS_GRANTED : ACCESS_NO_TOKEN;
}
