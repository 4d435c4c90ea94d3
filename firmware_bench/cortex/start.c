/* From reset to main on an Arm Cortex-M core: stack, memory, clock ticks. */
#include <stdint.h>
#include <string.h>

#include "board.h"

extern uint32_t stack_top[], data_start[], data_end[], data_in_flash[], bss_start[], bss_end[];

int main(void);
void reset(void);

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define SYSTICK_SPAN 0x1000000u /* it counts 24 bits down */

static volatile uint32_t spans;

static void tick(void)
{
    ++spans;
}

static void fault(void)
{
    say("fault\n");
    leave(3);
}

uint64_t ticks(void)
{
    uint32_t before, value;
    do {
        before = spans;
        value = SYSTICK_VALUE;
    } while (before != spans);
    return (uint64_t)before * SYSTICK_SPAN + (SYSTICK_SPAN - value);
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {stack_top, {reset, fault, fault, fault, fault, fault, fault, 0, 0, 0, fault, fault, 0, fault, tick}};

void reset(void)
{
    memcpy(data_start, data_in_flash, (size_t)((char *)data_end - (char *)data_start));
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
    SYSTICK_RELOAD = SYSTICK_SPAN - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7; /* the core's clock, with an interrupt at every span */
    leave(main());
}

/* Semihosting: the debugger, or QEMU, does what the core asks for. */

static uint32_t call(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void say(const char *text)
{
    call(0x04, text);
}

void leave(int status)
{
    const uint32_t argument[] = {0x20026, (uint32_t)status};
    call(0x20, argument);
    for (;;) {
    }
}
