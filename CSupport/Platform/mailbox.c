// Three slots go round: the writer's, the one that is handed over, and the reader's. Handing over and taking exchange
// two of them, so that neither ever waits for the other to be done with its bytes.
#define _GNU_SOURCE
#include "include/workers.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SLOTS = 3 };

struct rb_mailbox {
    rb_memory memory;
    size_t slot_bytes;
    pthread_mutex_t lock;
    pthread_cond_t taken;
    int news; // readable while something is there for the reader
    int stop; // readable once the writer is to end
    int writing, ready, reading;
    bool waits, is_ready, is_over, is_stopped;
    uint64_t superseded;
    _Alignas(64) uint8_t slots[];
};

int32_t rb_mailbox_make(size_t slot_bytes, bool waits, rb_mailbox **mailbox) {
    rb_memory memory;
    const int32_t status = rb_map_memory(sizeof(rb_mailbox) + SLOTS * slot_bytes, &memory);
    if (status != 0) {
        return status;
    }
    rb_mailbox *made = (rb_mailbox *)memory.bytes;
    made->memory = memory;
    made->slot_bytes = slot_bytes;
    made->waits = waits;
    made->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    made->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->news < 0 || made->stop < 0) {
        const int error = errno;
        rb_close(made->news);
        rb_close(made->stop);
        rb_unmap(&memory);
        return -error;
    }
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->taken, NULL);
    made->ready = 1;
    made->reading = 2;
    *mailbox = made;
    return 0;
}

void rb_mailbox_free(rb_mailbox *mailbox) {
    rb_close(mailbox->news);
    rb_close(mailbox->stop);
    pthread_cond_destroy(&mailbox->taken);
    pthread_mutex_destroy(&mailbox->lock);
    rb_memory memory = mailbox->memory;
    rb_unmap(&memory);
}

static void raise_event(int descriptor) {
    eventfd_write(descriptor, 1);
}

static void lower_event(int descriptor) {
    eventfd_t value;
    eventfd_read(descriptor, &value);
}

static uint8_t *slot(rb_mailbox *mailbox, int number) {
    return mailbox->slots + (size_t)number * mailbox->slot_bytes;
}

uint8_t *rb_mailbox_writing(rb_mailbox *mailbox) {
    return slot(mailbox, mailbox->writing);
}

bool rb_mailbox_post(rb_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->waits && mailbox->is_ready && !mailbox->is_stopped) {
        pthread_cond_wait(&mailbox->taken, &mailbox->lock);
    }
    const bool goes_on = !mailbox->is_stopped;
    if (goes_on) {
        const int posted = mailbox->writing;
        mailbox->writing = mailbox->ready;
        mailbox->ready = posted;
        mailbox->superseded += mailbox->is_ready;
        mailbox->is_ready = true;
        raise_event(mailbox->news);
    }
    pthread_mutex_unlock(&mailbox->lock);
    return goes_on;
}

void rb_mailbox_close(rb_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    mailbox->is_over = true;
    raise_event(mailbox->news);
    pthread_mutex_unlock(&mailbox->lock);
}

int32_t rb_mailbox_stop_descriptor(const rb_mailbox *mailbox) {
    return mailbox->stop;
}

void rb_mailbox_stop(rb_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    mailbox->is_stopped = true;
    raise_event(mailbox->stop);
    pthread_cond_signal(&mailbox->taken);
    pthread_mutex_unlock(&mailbox->lock);
}

void rb_mailbox_reopen(rb_mailbox *mailbox) {
    lower_event(mailbox->stop);
    lower_event(mailbox->news);
    mailbox->is_ready = mailbox->is_over = mailbox->is_stopped = false;
}

int32_t rb_mailbox_wait(rb_mailbox *mailbox, uint64_t deadline_ns) {
    int16_t happened;
    return rb_wait_for(mailbox->news, POLLIN, deadline_ns, &happened);
}

void rb_mailbox_await(const rb_mailbox *mailbox) {
    struct pollfd news = {.fd = mailbox->news, .events = POLLIN};
    while (poll(&news, 1, -1) < 0 && errno == EINTR) {
    }
}

const uint8_t *rb_mailbox_take(rb_mailbox *mailbox, uint64_t *superseded) {
    pthread_mutex_lock(&mailbox->lock);
    const bool is_ready = mailbox->is_ready;
    if (is_ready) {
        const int taken = mailbox->ready;
        mailbox->ready = mailbox->reading;
        mailbox->reading = taken;
        mailbox->is_ready = false;
        pthread_cond_signal(&mailbox->taken);
    }
    if (!mailbox->is_over) {
        lower_event(mailbox->news);
    }
    *superseded += mailbox->superseded;
    mailbox->superseded = 0;
    pthread_mutex_unlock(&mailbox->lock);
    return is_ready ? slot(mailbox, mailbox->reading) : NULL;
}

bool rb_mailbox_is_over(rb_mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    const bool is_over = mailbox->is_over && !mailbox->is_ready;
    pthread_mutex_unlock(&mailbox->lock);
    return is_over;
}
