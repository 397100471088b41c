// A QEMU TCG plugin that counts the instructions of an aarch64 program between the first two calls of one function, or
// without one of the whole run, by block of straight-line code. Arguments: entry=ADDRESS of the program's entry point
// and frame=ADDRESS of that function, as the program was linked, out=FILE for the result: one line a block, "address
// executions instructions dot-products other-multiplications loads stores", the address as linked too.
//
// Debian ships no header for plugins; what is used of version 1 of the interface is declared here.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0, QEMU_PLUGIN_CB_NO_REGS = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*f)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation, void *counter, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*f)(unsigned int, void *), int flags,
                                            void *argument);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*f)(qemu_plugin_id_t, void *), void *argument);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_entry_code(void); // where the program's entry point was loaded
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

typedef enum { DOT_PRODUCT, OTHER_MULTIPLICATION, LOAD, STORE, REST, KINDS } kind;

// Encodings of the Arm Architecture Reference Manual for A-profile, chapter C4: an instruction is of the kind of the
// first line with (instruction & mask) == value.
static const struct {
    uint32_t mask, value;
    kind kind;
} encodings[] = {
    {0x9FE0FC00, 0x0E809400, DOT_PRODUCT},          // sdot, udot: vectors (bit 29 chooses)
    {0x9FC0F400, 0x0F80E000, DOT_PRODUCT},          // sdot, udot: by element
    {0xBF20FC00, 0x0E009C00, DOT_PRODUCT},          // usdot: vectors
    {0xBF00F400, 0x0F00F000, DOT_PRODUCT},          // usdot, sudot: by element
    {0xDFE0F400, 0x4E80A400, DOT_PRODUCT},          // smmla, ummla, usmmla
    {0x9F20FC00, 0x0E208000, OTHER_MULTIPLICATION}, // smlal, smlal2, umlal: vectors
    {0x9F20FC00, 0x0E20A000, OTHER_MULTIPLICATION}, // smlsl: vectors
    {0x9F20FC00, 0x0E20C000, OTHER_MULTIPLICATION}, // smull, umull: vectors
    {0x9F20F400, 0x0E209400, OTHER_MULTIPLICATION}, // mla, mul: vectors of integers
    {0x9F20EC00, 0x0E20CC00, OTHER_MULTIPLICATION}, // fmla, fmul: vectors
    {0x9F000400, 0x0F000000, OTHER_MULTIPLICATION}, // by element: all of them multiply
    {0xDF000400, 0x5F000000, OTHER_MULTIPLICATION}, // by element, scalar
    {0xFF20FC00, 0x1E200800, OTHER_MULTIPLICATION}, // fmul, scalar
    {0xFF000000, 0x1F000000, OTHER_MULTIPLICATION}, // fmadd, scalar
    {0x7F000000, 0x1B000000, OTHER_MULTIPLICATION}, // madd, smaddl and their kin
    {0x3B000000, 0x18000000, LOAD},                 // literal
    {0x3A400000, 0x28400000, LOAD},                 // pairs
    {0x3A400000, 0x28000000, STORE},
    {0x3E400000, 0x0C400000, LOAD}, // ld1 and its kin
    {0x3E400000, 0x0C000000, STORE},
    {0x3F400000, 0x08400000, LOAD}, // exclusive and ordered
    {0x3F400000, 0x08000000, STORE},
    {0x3A400000, 0x38400000, LOAD}, // single registers
    {0x3E800000, 0x38800000, LOAD}, // sign-extending
    {0x3A400000, 0x38000000, STORE},
};

static kind kind_of(uint32_t instruction) {
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        if ((instruction & encodings[i].mask) == encodings[i].value) {
            return encodings[i].kind;
        }
    }
    return REST;
}

// Straight-line code that QEMU translated at once.
typedef struct block {
    struct block *next;
    uint64_t address, instructions[KINDS];
    uint64_t executions, before, in_frame;
} block;

static block *blocks;
static uint64_t entry_address, frame_address, frames;
static FILE *out;

static void frame_ended(unsigned int cpu, void *argument) {
    (void)cpu;
    (void)argument;
    frames++;
    for (block *b = blocks; b != NULL && frames <= 2; b = b->next) {
        b->in_frame = b->executions - b->before;
        b->before = b->executions;
    }
}

// The address of an instruction as the program was linked: it is loaded wherever there is room.
static uint64_t linked_address(const struct qemu_plugin_insn *insn) {
    return qemu_plugin_insn_vaddr(insn) - qemu_plugin_entry_code() + entry_address;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    block *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    b->next = blocks;
    blocks = b;
    const size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint32_t instruction;
        memcpy(&instruction, qemu_plugin_insn_data(insn), sizeof instruction);
        b->instructions[kind_of(instruction)]++;
        if (i == 0) {
            b->address = linked_address(insn);
        }
        if (linked_address(insn) == frame_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, frame_ended, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
    }
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->executions, 1);
}

static void write_result(qemu_plugin_id_t id, void *argument) {
    (void)id;
    (void)argument;
    fprintf(out, "frames %llu\n", (unsigned long long)frames);
    for (const block *b = blocks; b != NULL; b = b->next) {
        const uint64_t executions = frame_address != 0 ? b->in_frame : b->executions;
        if (executions > 0) {
            fprintf(out, "%llx %llu", (unsigned long long)b->address, (unsigned long long)executions);
            for (int k = 0; k < KINDS; k++) {
                fprintf(out, " %llu", (unsigned long long)b->instructions[k]);
            }
            fputc('\n', out);
        }
    }
    fclose(out);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "frame=", 6) == 0) {
            frame_address = strtoull(argv[i] + 6, NULL, 16);
        } else if (strncmp(argv[i], "entry=", 6) == 0) {
            entry_address = strtoull(argv[i] + 6, NULL, 16);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    if (entry_address == 0 || out == NULL) {
        fprintf(stderr, "instructions: needs entry=ADDRESS and out=FILE\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, write_result, NULL);
    return 0;
}
