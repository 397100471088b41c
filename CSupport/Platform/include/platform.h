// Everything the device program asks of Linux. No other part of the project makes a system call.
//
// A function that can fail returns 0 or a negative error number (-RB_ENODEV, ...), and then has changed nothing.
// Nothing here allocates.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- errors.c ---

// Linux's error numbers that callers tell apart; any other can be returned as well. Macros, so that Swift sees int32_t.
#define RB_ENOENT 2
#define RB_EINTR 4
#define RB_EIO 5
#define RB_ENXIO 6
#define RB_EAGAIN 11
#define RB_ENOMEM 12
#define RB_EACCES 13
#define RB_EBUSY 16
#define RB_ENODEV 19
#define RB_EINVAL 22
#define RB_ENOTTY 25
#define RB_EFBIG 27
#define RB_ENOSPC 28
#define RB_EPIPE 32
#define RB_ECONNRESET 104
#define RB_ETIMEDOUT 110
#define RB_ECONNREFUSED 111
#define RB_ECANCELED 125
// Not Linux's: see rb_open_output.
#define RB_EISINPUT 5001
#define RB_EISOUTPUT 5002

// "No such file or directory" for RB_ENOENT or -RB_ENOENT; "Unknown error" for a number that Linux does not have.
const char *rb_error_text(int32_t error);

// --- arguments.c ---

// The program's name is argument 0.
int32_t rb_argument_count(void);
// NULL past the last.
const char *rb_argument(int32_t index);
// The value of an environment variable; NULL where it is not set.
const char *rb_environment(const char *name);
// Ends the program.
_Noreturn void rb_exit(int32_t status);

// --- options.c ---

// A long option of the command line: "--alpha 1.5" is {"alpha", true}.
typedef struct {
    const char *name;
    bool takes_value;
} rb_option;

enum { RB_MAXIMUM_OPTIONS = 64 };

// What rb_next_option answers when it is not an index into the options.
enum {
    RB_OPTION_END = -1,
    RB_OPTION_UNKNOWN = -2,
    RB_OPTION_NEEDS_VALUE = -3,
    RB_OPTION_HELP = -4, // -h
};

// The next option of the command line, as an index into at most RB_MAXIMUM_OPTIONS, with *value its value, or one of
// the negative answers, with *value the argument at fault. Operands may stand before, between and behind options; after
// RB_OPTION_END they are the arguments from rb_first_operand on.
int32_t rb_next_option(const rb_option *options, int32_t count, const char **value);
int32_t rb_first_operand(void);
// Reads a whole string as one finite number. False, with nothing written, for anything else.
bool rb_parse_number(const char *text, double *number);
// Reads a whole string as exactly `count` finite numbers, separated by commas. False for anything else.
bool rb_parse_numbers(const char *text, int32_t count, double *numbers);

// --- reading.c ---

// Files are never mapped: whoever writes to one while the program runs would change, or take away, what is mapped.

// What tells one state of a file from another.
typedef struct {
    uint64_t count;                // bytes
    int64_t changed_s, changed_ns; // when its contents were changed last
} rb_file_state;
int32_t rb_file_state_of(int32_t descriptor, rb_file_state *state);

// Opens a regular file for reading, for the library, which has no rule of its own for inputs and outputs: a descriptor,
// or a negative error number.
int32_t rb_open_regular(const char *path, rb_file_state *state);
// The same of a file in an open folder.
int32_t rb_open_regular_in(int32_t folder, const char *name, rb_file_state *state);
// Closes what was opened for reading.
void rb_close_input(int32_t descriptor);
// Reads `count` bytes at an offset; how many there were, fewer only where the file ends.
ptrdiff_t rb_read_at(int32_t descriptor, uint64_t offset, void *bytes, size_t count);

// --- opening.c ---

// One rule for every file that a program opens by name: an output never is an input, nor another output, whatever paths
// and links lead to it (-RB_EISINPUT, -RB_EISOUTPUT); standard output and standard error are outputs. Only regular
// files are emptied and replaced; devices and pipes are written to, and as many outputs as like may lead to one.

enum { RB_PATH_BYTES = 4096 };

typedef struct {
    bool is_regular; // else a device or a pipe, which does not block
    uint64_t count;  // bytes before what will be written
} rb_output_file;

// Opens those of the descriptors 0, 1 and 2 that are closed, for nothing: reading and writing them fails. To be called
// before anything else is opened, which would get their numbers, and what is written to standard output.
void rb_open_standard_descriptors(void);
// Opens a regular file for reading: a descriptor, or a negative error number.
int32_t rb_open_input(const char *path, rb_file_state *state);
// Opens a folder all of whose files are inputs: a descriptor.
int32_t rb_open_input_folder(const char *path);
// Opens a regular file of such a folder, as rb_open_input does.
int32_t rb_open_input_in(int32_t folder, const char *name, rb_file_state *state);
// The same for a program that reads it by other means: 0, or -RB_EISOUTPUT.
int32_t rb_check_input(const char *path);
// Opens or makes what is written to: a descriptor. A regular file is emptied, or appended to. A pipe that nobody reads
// yet is waited for until the program is asked to stop.
int32_t rb_open_output(const char *path, bool appends, rb_output_file *file);
// Says which file rb_replace_file will write, before inputs are read: 0 or a negative error number.
int32_t rb_claim_output(const char *path);
// The path of a file without links; RB_PATH_BYTES bytes are enough.
int32_t rb_real_path(const char *path, char *result);

// --- replacing.c ---

// Replaces the claimed file by other bytes, or leaves it as it was; through a link, its target.
int32_t rb_replace_file(const char *path, const void *bytes, size_t count);

// --- folder.c ---

// Opens a folder: a descriptor.
int32_t rb_open_folder(const char *path);
// The same for this program alone to write to, made where it is not there; -RB_EBUSY where another program writes
// there.
int32_t rb_own_folder(const char *path);
typedef void (*rb_take_name)(void *context, const char *name);
// Gives the names in a folder, in no order. What is made or removed meanwhile may be among them or not.
int32_t rb_each_name(int32_t folder, rb_take_name take, void *context);
// Bytes of a regular file in a folder, or a negative error number.
int64_t rb_bytes_in(int32_t folder, const char *name);
// Writes a file in a folder, through to the disk, or leaves none.
int32_t rb_write_in(int32_t folder, const char *name, const void *bytes, size_t count);
int32_t rb_rename_in(int32_t folder, const char *from, const char *to);
int32_t rb_remove_in(int32_t folder, const char *name);
// What was renamed and removed is so on the disk.
int32_t rb_sync_folder(int32_t folder);

// --- memory.c ---

// Mapped memory: exactly `count` bytes are the caller's, though the processor maps whole pages.
typedef struct {
    uint8_t *bytes; // page-aligned; NULL where count is 0
    size_t count;
} rb_memory;

// Zeroed memory of its own, readable and writable. count > 0.
int32_t rb_map_memory(size_t count, rb_memory *memory);
// Gives the pages back that lie wholly inside; what is left of them reads as zeros. Answers how many of the bytes are
// dealt with: those up to the end of the last such page, or 0.
size_t rb_give_back(void *bytes, size_t count);
// Gives mapped memory back and clears it.
void rb_unmap(rb_memory *memory);

// --- listing.c ---

// The files in a folder when it was opened, sub-folders and hidden files left out; through links.
typedef struct {
    int32_t folder;         // a descriptor
    const char **names;     // in the order of their bytes
    size_t count;           // of names
    size_t folders, hidden; // how many were left out
    rb_memory memory;       // of the names
} rb_listing;
// Opens a folder of inputs: 0 or a negative error number.
int32_t rb_list_files(const char *path, rb_listing *listing);
void rb_free_listing(rb_listing *listing);

// --- files.c ---

// Reads a whole regular file of at most `capacity` bytes; how many it holds. -EFBIG where it holds more.
ptrdiff_t rb_read_file(const char *path, void *bytes, size_t capacity);
// Writes every byte, however many calls that takes.
int32_t rb_write_all(int32_t descriptor, const void *bytes, size_t count);
// A descriptor that takes everything that is written and forgets it.
int32_t rb_open_nobody(void);
void rb_close(int32_t descriptor);
// Reading a regular file goes on at its beginning.
int32_t rb_rewind(int32_t descriptor);
typedef enum { RB_PATH_NOTHING, RB_PATH_FILE, RB_PATH_FOLDER, RB_PATH_OTHER } rb_path_kind;
// What a path leads to, through links.
rb_path_kind rb_kind_of_path(const char *path);
bool rb_is_terminal(int32_t descriptor);
// Columns of the terminal; 0 where the descriptor is none or does not tell.
int32_t rb_terminal_columns(int32_t descriptor);

// --- record.c ---

typedef struct {
    const void *bytes;
    size_t count;
} rb_span;
// Writes at most 8 spans one behind the other at an offset, the end of the file: how many bytes that were, or a
// negative error number, and then the file ends where it did.
int64_t rb_write_spans(int32_t descriptor, uint64_t offset, const rb_span *spans, int32_t count);
// Writes any number of them to a pipe or device, which may take its time: how many bytes that were; -RB_EAGAIN where it
// took none for `patience_ns`, or another negative error number, and then nothing more can be written but for
// -RB_EAGAIN.
int64_t rb_write_spans_to_stream(int32_t descriptor, uint64_t patience_ns, const rb_span *spans, int32_t count);

// --- outputs.c ---

// Writes what a pipe, socket, terminal or file takes without waiting: how many bytes, fewer than `count` where it has
// no room for more, or the error where it took none.
ptrdiff_t rb_write_some(int32_t descriptor, const void *bytes, size_t count);
// Writes all bytes to such a descriptor, waiting where there is no room until the deadline, a time of rb_clock_ns, even
// where the program has been asked to stop.
void rb_write_until(int32_t descriptor, const void *bytes, size_t count, uint64_t deadline_ns);
// rb_open_output to append to. The last line of a regular file gets an end where it has none.
int32_t rb_open_appending(const char *path, rb_output_file *file);
// Appends all bytes to such a file of `size` bytes, or none.
int32_t rb_append_whole(int32_t descriptor, const void *bytes, size_t count, uint64_t size);
// Renames the regular file "path.FROM" to "path.TO"; number 0 is the path itself. Replaces a regular file there that is
// neither input nor output, and nothing else.
int32_t rb_rename_numbered(const char *path, int32_t from, int32_t to);
// Serves a Unix stream socket at a path (or '@' and an abstract name): a descriptor for rb_accept. A socket at the path
// that nobody serves is replaced.
int32_t rb_unix_listen(const char *path);
// The next who connected: a descriptor; -RB_EAGAIN where there is none. Never waits.
int32_t rb_accept(int32_t listener);
int32_t rb_remove_file(const char *path);

// --- tcp.c ---

// Whether a text is a place to serve at: "9100" is at 127.0.0.1, "0.0.0.0:9100" and "[::]:9100" at a numeric address.
bool rb_is_tcp_place(const char *place);
// Whether only this machine reaches such a place.
bool rb_is_loopback_place(const char *place);
// Listens there: a descriptor that does not block, or a negative error number.
int32_t rb_tcp_listen(const char *place);

// --- stack.c ---

// Sees to it that the main thread's stack may grow to so many bytes: 0, or -RB_EACCES where whoever started the program
// allows no more, which only they can change.
int32_t rb_allow_stack(size_t bytes);

// --- clock.c ---

// The monotonic clock, in nanoseconds: the clock of V4L2 frame times.
uint64_t rb_clock_ns(void);

// The time of day, in seconds since 1970 (UTC): of boards without a clock that runs on, anything.
int64_t rb_time_of_day(void);
typedef struct {
    int32_t year, month, day, hour, minute, second; // month and day from 1
} rb_utc;
// Times before 1970 and after the year 9999 become the nearest that is none.
rb_utc rb_utc_of(int64_t time_of_day);

// --- waiting.c ---

// Waits until one of poll's `events` happens to a descriptor, or it has failed, and writes what happened. -RB_ETIMEDOUT
// once rb_clock_ns() reaches the deadline, -RB_EINTR where the program has been asked to stop.
int32_t rb_wait_for(int32_t descriptor, int16_t events, uint64_t deadline_ns, int16_t *happened);
// Waits in the same way until a descriptor takes bytes, or has failed.
int32_t rb_wait_writable(int32_t descriptor, uint64_t deadline_ns);
// Sleeps until the monotonic clock reaches a time, or the program is asked to stop.
void rb_sleep_until(uint64_t time_ns);

// --- signals.c ---

// SIGINT and SIGTERM ask to stop instead of ending the program; writing to a pipe without a reader, or beyond the size
// that a file may have, is an error instead of a signal; a crash writes one line about itself before it ends the
// program as it would have.
void rb_install_signal_handlers(void);
bool rb_stop_requested(void);
void rb_request_stop(void);
// From now on SIGHUP asks to read the configuration again instead of ending the program.
void rb_let_hangup_reload(void);
// Whether that was asked since the last call.
bool rb_reload_requested(void);
// What the program is doing, for the line that a crash writes: a string that lives until the next call.
void rb_set_activity(const char *activity);

// --- notify.c ---

// Sends the service manager one message of lines "NAME=value", and never waits: -RB_EAGAIN where the manager does not
// keep up. `name` is its socket, as NOTIFY_SOCKET says: a path, or '@' and a name in Linux's abstract space.
int32_t rb_notify(const char *name, const void *message, size_t count);
// The longest the service manager lets pass between two "WATCHDOG=1" of this process, microseconds; 0: it does not
// watch. From the values of WATCHDOG_USEC and WATCHDOG_PID, NULL where they are not set.
uint64_t rb_watchdog_us(const char *interval, const char *process);

// --- cpus.c ---

enum { RB_MAXIMUM_CPUS = 1024 };

// A set of processors, by the numbers Linux gives them.
typedef struct {
    uint64_t words[RB_MAXIMUM_CPUS / 64];
} rb_cpus;

bool rb_cpus_contains(const rb_cpus *cpus, int32_t cpu);
int32_t rb_cpus_count(const rb_cpus *cpus);
// The smallest member >= from, or -1.
int32_t rb_cpus_next(const rb_cpus *cpus, int32_t from);
// Reads a list such as "0,2" or "4-7". False, with nothing written, for anything else.
bool rb_cpus_parse(const char *text, rb_cpus *cpus);
// Those on which this thread may run.
void rb_cpus_allowed(rb_cpus *cpus);
// Keeps the fast ones of a set: those of at least 0.8 times the most capacity (cpu_capacity, else cpuinfo_max_freq,
// under `sysfs`, which is "/sys" but for tests); all where the system does not tell. 0.8 lies between the large and
// small cores of one chip, and takes no notice of single cores that may boost a little higher.
void rb_cpus_fastest(const char *sysfs, rb_cpus *cpus);
// Keeps this thread on a set of processors.
int32_t rb_run_on(const rb_cpus *cpus);
// The one that this thread runs on just now.
int32_t rb_current_cpu(void);

// --- threads.c ---

enum { RB_MAXIMUM_THREADS = 64 };

// Threads that work together: the one that calls rb_team_run and others that wait for it.
typedef struct rb_team rb_team;
// One part of some work, 0 <= part < parts; `thread`, below the team's count, is busy with no other part meanwhile.
typedef void (*rb_part)(void *work, int32_t part, int32_t parts, int32_t thread);

// Starts a team of 1...RB_MAXIMUM_THREADS threads, this one included. Thread i is pinned to the i-th of `pinned`, round
// and round; NULL pins none.
int32_t rb_team_start(int32_t threads, const rb_cpus *pinned, rb_team **team);
int32_t rb_team_threads(const rb_team *team);
// Runs every part once on a team (an rb_team), on whichever threads are free, and returns when all are finished. parts
// < 65536. Only the thread that started the team may call it, and no part may.
void rb_team_run(void *team, int32_t parts, rb_part run, void *work);
// Ends the other threads and gives the team's memory back.
void rb_team_stop(rb_team *team);

// --- system.c ---

#define RB_NOT_TOLD (-1)

// What may make a processor slower than it can be; RB_NOT_TOLD or "" where the system does not tell.
typedef struct {
    char governor[32];
    int32_t frequency_khz;
    int32_t millidegrees;  // Celsius, of the hottest thermal zone
    int32_t throttles;     // times the processor throttled since it started (x86)
    int32_t pi_throttling; // the bits of a Raspberry Pi's "vcgencmd get_throttled"
} rb_conditions;
// Reads those of a processor; `sysfs` is "/sys" but for tests.
void rb_read_conditions(const char *sysfs, int32_t cpu, rb_conditions *conditions);

enum { RB_MACHINE_NAME_BYTES = 64 };
// The board's name, or its processor's; "" where the system does not tell.
void rb_machine_name(char name[RB_MACHINE_NAME_BYTES]);
// The most memory this process has had resident, bytes; 0 where the system does not tell.
uint64_t rb_peak_resident_bytes(void);
