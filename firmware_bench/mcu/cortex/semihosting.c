/* SPDX-License-Identifier: Apache-2.0 */
/* Semihosting: the debugger, or QEMU, does what the core asks for (Arm, "Semihosting for AArch32 and AArch64"). Windows
   come from the file windows.bin in the debugger's folder. */
#include "ecg_bench.h"

#define SYS_OPEN 0x01
#define SYS_WRITE0 0x04
#define SYS_READ 0x06
#define SYS_EXIT_EXTENDED 0x20
#define OPEN_BINARY 1
#define APPLICATION_EXIT 0x20026

static uint32_t call_host(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void ecg_host_write(const char *text)
{
    call_host(SYS_WRITE0, text);
}

int ecg_host_read(void *bytes, uint32_t count)
{
    static const char name[] = "windows.bin";
    static uint32_t file;
    if (!file) {
        const uint32_t open[] = {(uint32_t)name, OPEN_BINARY, sizeof name - 1};
        file = call_host(SYS_OPEN, open);
    }
    const uint32_t read[] = {file, (uint32_t)bytes, count};
    return file != UINT32_MAX && call_host(SYS_READ, read) == 0; /* 0: nothing is left to read */
}

void ecg_exit(int status)
{
    const uint32_t argument[] = {APPLICATION_EXIT, (uint32_t)status};
    call_host(SYS_EXIT_EXTENDED, argument);
    for (;;) {
    }
}
