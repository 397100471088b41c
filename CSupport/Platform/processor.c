// The first instructions of the program for 32-bit ARM. Everything else, the C library too, is compiled for ARMv7 with
// NEON; an older processor would end it by a signal at the first instruction that it does not know. So these few, which
// every ARM processor with Linux knows, ask what Linux says of the processor, and say so themselves.
#if defined(__arm__) && defined(RB_STATIC_PROGRAM)

__asm__(".syntax unified\n"
        ".arch armv6\n"
        ".arm\n"
        ".section .text.rb_start, \"ax\", %progbits\n"
        ".global rb_start\n"
        ".type rb_start, %function\n"
        "rb_start:\n"
        // On the stack: the arguments' count, the arguments and a zero, the environment and a zero, then pairs of a key
        // and a value, the last key a zero. Key 16 (AT_HWCAP) is what the processor can do, bit 12 of it NEON.
        "    ldr r1, [sp]\n"
        "    add r1, sp, r1, lsl #2\n"
        "    add r1, r1, #8\n"
        "1:  ldr r2, [r1], #4\n"
        "    cmp r2, #0\n"
        "    bne 1b\n"
        "2:  ldr r2, [r1], #8\n"
        "    cmp r2, #0\n"
        "    beq _start\n" // Linux does not tell
        "    cmp r2, #16\n"
        "    bne 2b\n"
        "    ldr r2, [r1, #-4]\n"
        "    tst r2, #4096\n"
        "    bne _start\n"
        // write(2, refusal, its length); exit_group(1)
        "    mov r0, #2\n"
        "    adr r1, 3f\n"
        "    mov r2, #(4f - 3f)\n"
        "    mov r7, #4\n"
        "    svc #0\n"
        "    mov r0, #1\n"
        "    mov r7, #248\n"
        "    svc #0\n"
        "3:  .ascii \"rarebit: needs an ARMv7 processor with NEON, which this one is not\\n\"\n"
        "4:  .size rb_start, . - rb_start\n");

#endif
