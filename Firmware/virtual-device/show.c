// show FRAMES COMMAND [ARGUMENT...]: runs COMMAND while the virtual camera shows recorded frames.
//
// The vivid driver hands what is written to its output node to its capture node. This program keeps the output node
// supplied with one picture of FRAMES, passes COMMAND's standard output on, and moves to the next picture when COMMAND
// has printed another line: a classifier that prints a line a frame meets every picture about once, however slow the
// emulated machine is. After the last picture COMMAND is asked to stop. Ends with COMMAND's exit code.
#define _GNU_SOURCE // pipe2, SCHED_RESET_ON_FORK
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 640, HEIGHT = 480, FRAME_BYTES = WIDTH * HEIGHT * 2 }; // YUYV
// Frames that the driver holds: a quarter of a second, for which this program may be held up. A queue that runs dry
// shows noise.
enum { BUFFERS = 16 };
// Frames for which a picture is shown at least, so that a fast classifier meets it too.
enum { LEAST_SHOWN = 3 };
// Lines after the last picture has appeared: the classifier was at work on the one before it.
enum { LAST_LINES = 2 };

static void fail(const char *what) {
    fprintf(stderr, "show: %s: %s\n", what, strerror(errno));
    exit(126);
}

static void control(int device, unsigned long request, void *argument, const char *name) {
    if (ioctl(device, request, argument) < 0) {
        fail(name);
    }
}

// A recording's header (Sources/Camera/Recording.swift) as far as the frame count: what this program can show.
static const uint32_t header[] = {0x52464252, 0x53454D41, 1, V4L2_PIX_FMT_YUYV, WIDTH, HEIGHT, 2 * WIDTH, FRAME_BYTES};
enum { HEADER_BYTES = 64 };

typedef struct {
    const uint8_t *frames;
    uint32_t count;
} recording;

static recording map_recording(const char *path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) < 0) {
        fail(path);
    }
    const uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) {
        fail(path);
    }
    const uint32_t count = (uint32_t)((status.st_size - HEADER_BYTES) / FRAME_BYTES);
    if (status.st_size < HEADER_BYTES + FRAME_BYTES || memcmp(bytes, header, sizeof header) != 0) {
        fprintf(stderr, "show: %s holds no recorded frames of %dx%d YUYV\n", path, WIDTH, HEIGHT);
        exit(126);
    }
    return (recording){bytes + HEADER_BYTES, count};
}

// 640x480 is the first of the timings that the driver lists. Both nodes must have the same timings and format, or the
// capture node shows noise.
static int open_node(const char *path, enum v4l2_buf_type type) {
    const int device = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) {
        fail(path);
    }
    struct v4l2_enum_dv_timings first = {.index = 0};
    control(device, VIDIOC_ENUM_DV_TIMINGS, &first, "VIDIOC_ENUM_DV_TIMINGS");
    control(device, VIDIOC_S_DV_TIMINGS, &first.timings, "VIDIOC_S_DV_TIMINGS");
    struct v4l2_format format = {.type = type};
    format.fmt.pix.width = WIDTH;
    format.fmt.pix.height = HEIGHT;
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    control(device, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
    if (format.fmt.pix.sizeimage != FRAME_BYTES) {
        errno = EINVAL;
        fail("frame size");
    }
    return device;
}

static void set_control(int device, const char *name, int32_t value) {
    struct v4l2_queryctrl query = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};
    while (ioctl(device, VIDIOC_QUERYCTRL, &query) == 0) {
        if (strcmp((const char *)query.name, name) == 0) {
            struct v4l2_control setting = {query.id, value};
            control(device, VIDIOC_S_CTRL, &setting, name);
            return;
        }
        query.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
    }
    fail(name);
}

typedef struct {
    int device;
    uint8_t *memory[BUFFERS];
    int64_t picture[BUFFERS]; // what the buffer holds; -1 nothing yet
} screen;

static void queue(screen *screen, uint32_t index, const recording *recording, int64_t picture) {
    if (screen->picture[index] != picture) {
        memcpy(screen->memory[index], recording->frames + (size_t)picture * FRAME_BYTES, FRAME_BYTES);
        screen->picture[index] = picture;
    }
    struct v4l2_buffer buffer = {.index = index, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};
    buffer.bytesused = FRAME_BYTES;
    buffer.field = V4L2_FIELD_NONE;
    control(screen->device, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

static void start(screen *screen, const recording *recording) {
    struct v4l2_requestbuffers request = {
        .count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};
    control(screen->device, VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
    for (uint32_t i = 0; i < BUFFERS; i++) {
        struct v4l2_buffer buffer = {.index = i, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};
        control(screen->device, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
        screen->memory[i] =
            mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, screen->device, buffer.m.offset);
        if (screen->memory[i] == MAP_FAILED) {
            fail("mmap");
        }
        screen->picture[i] = -1;
        queue(screen, i, recording, 0);
    }
    control(screen->device, VIDIOC_STREAMON, &request.type, "VIDIOC_STREAMON");
}

// Starts the command and returns the end of a pipe that carries its standard output.
static int run(char **command, pid_t *child) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0 || (*child = fork()) < 0) {
        fail("starting the command");
    }
    if (*child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execvp(command[0], command);
        fail(command[0]);
    }
    close(ends[1]);
    return ends[0];
}

// Passes on what the command printed and counts its lines; -1 at the end of the output.
static int64_t pass_on(int output) {
    char text[4096];
    const ssize_t length = read(output, text, sizeof text);
    if (length <= 0) {
        return -1;
    }
    int64_t lines = 0;
    for (ssize_t i = 0; i < length; i++) {
        lines += text[i] == '\n';
    }
    for (ssize_t written = 0; written < length;) {
        const ssize_t part = write(STDOUT_FILENO, text + written, (size_t)(length - written));
        if (part < 0) {
            fail("standard output");
        }
        written += part;
    }
    return lines;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: show FRAMES COMMAND [ARGUMENT...]\n");
        return 126;
    }
    // The pictures come before all other work of the machine.
    const struct sched_param priority = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);

    const recording recording = map_recording(argv[1]);
    const int camera = open_node("/dev/video0", V4L2_BUF_TYPE_VIDEO_CAPTURE);
    set_control(camera, "Loop Video", 1);
    set_control(camera, "OSD Text Mode", 2); // no counters written over the picture
    close(camera);
    screen screen = {.device = open_node("/dev/video1", V4L2_BUF_TYPE_VIDEO_OUTPUT)};
    start(&screen, &recording);

    pid_t child;
    const int output = run(argv + 2, &child);
    int64_t lines = 0;     // that the command has printed
    int64_t picture = 0;   // that is being shown
    int64_t shown_for = 0; // frames
    for (bool running = true; running;) {
        struct pollfd ready[2] = {{screen.device, POLLOUT, 0}, {output, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0) {
            fail("poll");
        }
        if (ready[1].revents) {
            const int64_t more = pass_on(output);
            running = more >= 0;
            lines += running ? more : 0;
        }
        struct v4l2_buffer buffer = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};
        if (ready[0].revents && ioctl(screen.device, VIDIOC_DQBUF, &buffer) == 0) {
            const bool is_last = picture + 1 == recording.count;
            if (!is_last && lines > picture && shown_for >= LEAST_SHOWN) {
                picture++;
                shown_for = 0;
            } else if (is_last && lines > picture + LAST_LINES && shown_for >= BUFFERS + LEAST_SHOWN) {
                kill(child, SIGTERM);
            }
            queue(&screen, buffer.index, &recording, picture);
            shown_for++;
        }
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
