// Threads and programs that work beside the run's thread, and how they hand over what they have. What functions give
// back is as platform.h says.
#pragma once
#include "platform.h"

// --- mailbox.c ---

// Hands frames from one thread, the writer, to another, the reader: the newest one, or where the writer waits every
// one. None of the two ever holds up the other's bytes.
typedef struct rb_mailbox rb_mailbox;

// Of three slots of `slot_bytes` zero bytes, a multiple of 64, which take no memory before they are written to.
// `waits`: a frame waits until the one before is taken.
int32_t rb_mailbox_make(size_t slot_bytes, bool waits, rb_mailbox **mailbox);
void rb_mailbox_free(rb_mailbox *mailbox);
// Writer: the slot to write to, another one after each rb_mailbox_post.
uint8_t *rb_mailbox_writing(rb_mailbox *mailbox);
// Writer: hands that slot over. False where the writer is to end.
bool rb_mailbox_post(rb_mailbox *mailbox);
// Writer: there will be no more.
void rb_mailbox_close(rb_mailbox *mailbox);
// Readable once the writer is to end.
int32_t rb_mailbox_stop_descriptor(const rb_mailbox *mailbox);
// Reader: the writer is to end.
void rb_mailbox_stop(rb_mailbox *mailbox);
// Reader, without a writer: empty as at first.
void rb_mailbox_reopen(rb_mailbox *mailbox);
// Reader: waits until something is there or there will be no more: 0, -RB_ETIMEDOUT, or -RB_EINTR where the program has
// been asked to stop.
int32_t rb_mailbox_wait(rb_mailbox *mailbox, uint64_t deadline_ns);
// Reader: the same without an end, whatever the program has been asked: for what must be finished.
void rb_mailbox_await(const rb_mailbox *mailbox);
// Reader: the slot handed over last, the reader's until the next one is taken; NULL where there is none. Adds how many
// were never taken.
const uint8_t *rb_mailbox_take(rb_mailbox *mailbox, uint64_t *superseded);
// Reader: nothing is there, and nothing will be.
bool rb_mailbox_is_over(rb_mailbox *mailbox);

// --- pump.c ---

typedef struct {
    uintptr_t handle;
} rb_thread;

// Starts a thread that hears no signals.
int32_t rb_thread_start(void *(*run)(void *context), void *context, rb_thread *thread);
void rb_thread_join(rb_thread thread);

// Takes bytes as they come. False: no more are wanted.
typedef bool (*rb_take_bytes)(void *context, const uint8_t *bytes, size_t count);

// Reads a pipe, file or terminal to its end: 0, -RB_EINTR once `stop` is readable, -RB_ECANCELED where no more bytes
// are wanted, or another negative error number. Lines that come from `errors` meanwhile (-1: none) go to standard
// error, under a name; of too many at a time it is said how many.
int32_t rb_pump(int32_t descriptor, int32_t errors, const char *name, int32_t stop, rb_take_bytes take, void *context);

// --- child.c ---

typedef struct {
    int32_t process;        // and its process group
    int32_t output, errors; // pipes from its standard output and standard error, which do not block
} rb_child;

// Starts a command as the shell reads it, in a process group of its own, without standard input. It ends with this
// program.
int32_t rb_start_child(const char *command, rb_child *child);
// Ends a command and all that it started: asked to, and after a time of grace by force. Its exit status, or 128 and the
// number of the signal that ended it.
int32_t rb_end_child(rb_child *child, uint64_t grace_ns);
