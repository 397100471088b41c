// Metrics and the live page over HTTP, by libevent, in a thread of their own.
//
// Nothing here takes memory from the heap once the thread runs: libevent gets its own from a fixed pool. As many
// clients as that is good for are served at a time; the others wait. The run's thread never waits for this one: it
// leaves what is new and goes on.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RB_METRICS_BYTES = 32768,   // of a text, at most
    RB_ANSWER_BYTES = 65536,    // of an answer or of the settings as JSON
    RB_PICTURE_BYTES = 1 << 19, // of a JPEG picture
    RB_COMMAND_BYTES = 16384,   // of what a client asks for
    RB_UPLOAD_BYTES = 4 << 20,  // of a picture file that a client sends
    RB_TOKEN_BYTES = 256,
};

// Encodes the picture that was left, in the server's thread: how many bytes, 0 where it is none.
typedef size_t (*rb_encode_picture)(void *context, uint8_t *jpeg, size_t capacity);

typedef struct {
    int32_t listener;  // a listening socket that does not block, from rb_tcp_listen; -1: there is no page
    const char *token; // what clients must know; NULL: they need know nothing
    rb_encode_picture encode;
    void *context;
} rb_page;

// Serves the published text at /metrics of one listener (-1: none), and the page at the other, until the program ends.
// 0, or a negative error number. At most once in a program.
int32_t rb_http_serve(int32_t metrics_listener, const rb_page *page);

// Replaces the text, of at most RB_METRICS_BYTES.
void rb_metrics_publish(const void *text, size_t count);

// --- What the page needs of the run ---

enum { RB_WANTS_ANSWER = 1, RB_WANTS_PICTURE = 2 };
// What somebody waits for just now: 0 while nobody looks.
uint32_t rb_page_wants(void);
// The newest answer, as JSON of one line without its end.
void rb_page_publish_answer(const void *json, size_t count);
// What the settings are, as JSON.
void rb_page_publish_settings(const void *json, size_t count);
// A picture lies where rb_encode_picture finds it. From now on it is the server's, until RB_WANTS_PICTURE is there
// again.
void rb_page_publish_picture(void);

// What a client asks for.
typedef enum { RB_NO_COMMAND, RB_CHANGE_SETTINGS, RB_KEEP_FRAME } rb_page_command;
// Takes it; its text, which ends in zero, is there until rb_page_reply.
rb_page_command rb_page_take_command(const char **text);
// Answers it: a status of HTTP and JSON.
void rb_page_reply(int32_t status, const void *json, size_t count);

// --- What clients have classified ---

// Waits for a picture file that a client sends: how many bytes it has. They stay until it is answered.
size_t rb_page_await_upload(const uint8_t **picture);
// Answers it: a status of HTTP and JSON.
void rb_page_answer_upload(int32_t status, const void *json, size_t count);
