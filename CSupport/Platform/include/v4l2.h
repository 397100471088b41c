// What the program asks of cameras. What functions give back is as platform.h says.
#pragma once
#include "platform.h"

// --- v4l2_nodes.c ---

enum { RB_V4L2_PATH_BYTES = 16, RB_V4L2_SERIAL_BYTES = 128 };

// The smallest number N >= `from` for which /dev/videoN exists; -1 where there is none.
int32_t rb_v4l2_next_node(int32_t from);
// Writes "/dev/videoN" with its final zero. 0 <= number < 256.
void rb_v4l2_node_path(int32_t number, char path[RB_V4L2_PATH_BYTES]);

// What the system tells about an open node that its driver does not.
typedef struct {
    char serial[RB_V4L2_SERIAL_BYTES]; // of the USB device it belongs to, ends in zero; empty where there is none
    int32_t index;                     // of the node among those of its device
} rb_v4l2_place;
// `sysfs` is "/sys" but for tests.
void rb_v4l2_find_place(const char *sysfs, int32_t descriptor, rb_v4l2_place *place);

// --- v4l2.c ---

// An open node, -1 before.
typedef struct {
    int32_t descriptor;
    bool has_planes; // captures through V4L2's multi-planar interface
} rb_v4l2_node;

// Opens a node for non-blocking use: a descriptor, or a negative error number.
int32_t rb_v4l2_open(const char *path);

// What a node can do: V4L2's V4L2_CAP_ values, uint32_t.
#define RB_V4L2_CAPTURE 0x00000001u
#define RB_V4L2_OUTPUT 0x00000002u
#define RB_V4L2_OVERLAY 0x00000004u
#define RB_V4L2_VBI 0x000000F0u
#define RB_V4L2_CAPTURE_PLANES 0x00001000u
#define RB_V4L2_OUTPUT_PLANES 0x00002000u
#define RB_V4L2_MEMORY_TO_MEMORY 0x0000C000u
#define RB_V4L2_RADIO 0x00050000u
#define RB_V4L2_METADATA 0x08800000u
#define RB_V4L2_STREAMING 0x04000000u

typedef struct {
    char driver[16], card[32], bus[32]; // end in zero
    uint32_t capabilities;              // of this node, not of the whole device
} rb_v4l2_capability;
int32_t rb_v4l2_query(int32_t descriptor, rb_v4l2_capability *capability);

// The enumerations end with -RB_EINVAL at the first index past the last.
int32_t rb_v4l2_enumerate_format(rb_v4l2_node node, uint32_t index, uint32_t *fourcc);

// A range of sizes in steps; a single size has both ends equal and steps of 1.
typedef struct {
    uint32_t min_width, max_width, step_width;
    uint32_t min_height, max_height, step_height;
} rb_v4l2_sizes;
int32_t rb_v4l2_enumerate_sizes(rb_v4l2_node node, uint32_t fourcc, uint32_t index, rb_v4l2_sizes *sizes);

// A range of frame intervals, in seconds as numerator / denominator; a single one has both ends equal.
typedef struct {
    uint32_t min_numerator, min_denominator, max_numerator, max_denominator;
} rb_v4l2_intervals;
int32_t rb_v4l2_enumerate_intervals(rb_v4l2_node node, uint32_t fourcc, uint32_t width, uint32_t height, uint32_t index,
                                    rb_v4l2_intervals *intervals);

enum { RB_V4L2_MEMORIES = 3 }; // that a buffer of a format that anything here uses can have

typedef enum { RB_V4L2_RANGE_DEFAULT, RB_V4L2_RANGE_LIMITED, RB_V4L2_RANGE_FULL } rb_v4l2_range;

// How the rows of a picture come whose odd and even rows (fields) were taken one after the other.
typedef enum {
    RB_V4L2_ROWS_IN_ORDER, // as those of a picture taken at once
    RB_V4L2_ROWS_BY_FIELD, // one field's, then the other's
    RB_V4L2_ONE_FIELD      // a picture is one field
} rb_v4l2_rows;

typedef struct {
    uint32_t fourcc, width, height;
    rb_v4l2_rows rows;
    uint32_t memories;                 // of a buffer; 1 but for some formats of multi-planar nodes
    uint32_t stride[RB_V4L2_MEMORIES]; // bytes from one row to the next, of the first plane in each memory
    bool is_bt709;                     // Y, U and V by BT.709 or a matrix near it, not by BT.601
    rb_v4l2_range range;
} rb_v4l2_format;
int32_t rb_v4l2_get_format(rb_v4l2_node node, rb_v4l2_format *format);
// Asks for a format and size, with all rows in their order; the driver may give others: what it gave is written back.
// -RB_EINVAL where that has more than RB_V4L2_MEMORIES.
int32_t rb_v4l2_set_format(rb_v4l2_node node, rb_v4l2_format *format);
// Asks for an interval between frames, in seconds; the driver may choose another, which is written back.
int32_t rb_v4l2_set_interval(rb_v4l2_node node, uint32_t *numerator, uint32_t *denominator);

typedef enum {
    RB_V4L2_SIGNAL_NONE, // the input has none to lose, as that of a camera with its own sensor
    RB_V4L2_SIGNAL_PRESENT,
    RB_V4L2_SIGNAL_LOST,
    RB_V4L2_SIGNAL_CHANGED // there is one, of other timings or another standard than those set
} rb_v4l2_signal;
int32_t rb_v4l2_get_signal(rb_v4l2_node node, rb_v4l2_signal *signal);
// Sets the timings or the standard that the input finds. Not while buffers are requested.
int32_t rb_v4l2_follow_signal(rb_v4l2_node node);

// Asks for events when the source of the signal changes.
int32_t rb_v4l2_subscribe(rb_v4l2_node node);
// The next event; -RB_ENOENT where there is none.
int32_t rb_v4l2_next_event(rb_v4l2_node node, bool *is_source_change);
// Waits until a buffer is filled, an event is there or the node has failed: 0 with *has_event. -RB_ETIMEDOUT once
// rb_clock_ns() reaches the deadline, -RB_EINTR where the program has been asked to stop.
int32_t rb_v4l2_wait(rb_v4l2_node node, uint64_t deadline_ns, bool *has_event);

// --- v4l2_buffers.c ---

// Asks for memory-mapped buffers; the driver may give another count, which is written back. 0 frees them.
int32_t rb_v4l2_request_buffers(rb_v4l2_node node, uint32_t *count);
// Maps the memories of a buffer; -RB_EINVAL where it has not that many.
int32_t rb_v4l2_map_buffer(rb_v4l2_node node, uint32_t index, uint32_t memories, rb_memory mapped[RB_V4L2_MEMORIES]);
int32_t rb_v4l2_queue(rb_v4l2_node node, uint32_t index, uint32_t memories);

typedef struct {
    uint32_t index;
    uint32_t sequence;
    bool is_corrupt;                        // the driver says that the picture is not to be trusted
    uint64_t timestamp_ns;                  // on the monotonic clock; 0 where the driver uses another
    uint32_t bytes_used[RB_V4L2_MEMORIES];  // filled bytes of each memory, those before data_offset included
    uint32_t data_offset[RB_V4L2_MEMORIES]; // where the pixels begin in each memory
} rb_v4l2_buffer;
// Takes a filled buffer out of the driver's queue; -RB_EAGAIN where none is filled.
int32_t rb_v4l2_dequeue(rb_v4l2_node node, uint32_t memories, rb_v4l2_buffer *buffer);
int32_t rb_v4l2_stream_on(rb_v4l2_node node);
int32_t rb_v4l2_stream_off(rb_v4l2_node node);
