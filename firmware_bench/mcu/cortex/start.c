/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main on an Arm Cortex-M core: stack, memory, caches, cycle counter. */
#include <stdint.h>
#include <string.h>

#include "ecg_bench.h"

extern uint32_t ecg_stack_top[], ecg_data_start[], ecg_data_end[], ecg_data_in_flash[], ecg_bss_start[], ecg_bss_end[];

int main(void);
void ecg_reset(void);

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Armv7-M and Armv8-M Architecture Reference Manuals, "System address map": the same on every core. */
#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)
#define SYSTICK_SPAN 0x1000000u /* it counts 24 bits down */
#define VECTOR_TABLE REGISTER(0xE000ED08u)
#define DEBUG_CONTROL REGISTER(0xE000EDFCu)
#define TRACE_ENABLE (1u << 24)
#define DWT_CONTROL REGISTER(0xE0001000u)
#define DWT_CYCLES REGISTER(0xE0001004u)
#define DWT_LOCK REGISTER(0xE0001FB0u)
#define DWT_KEY 0xC5ACCE55u

static volatile uint32_t spans; /* of SysTick that are over */
static uint32_t dwt;            /* not 0: the core has a cycle counter */

static void handle_systick(void)
{
    ++spans;
}

static void handle_fault(void)
{
    ecg_host_write("fault\n");
    ecg_exit(3);
}

uint64_t ecg_bench_ticks(void)
{
    uint32_t before, value;
    do {
        before = spans;
        value = SYSTICK_VALUE;
    } while (before != spans);
    uint64_t count = (uint64_t)before * SYSTICK_SPAN + (SYSTICK_SPAN - value);
    if (dwt) { /* 32 bits, which SysTick extends */
        count += (uint64_t)(int64_t)(int32_t)(DWT_CYCLES - (uint32_t)count);
    }
    return count;
}

const char *ecg_bench_counter(void)
{
    return dwt ? "DWT" : "SysTick";
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;             /* the initial stack pointer */
    void (*handlers[15])(void); /* by the number of the exception, from 1 */
} vectors = {
    ecg_stack_top,
    {
        ecg_reset,
        handle_fault, /* NMI */
        handle_fault, /* HardFault */
        handle_fault, /* MemManage */
        handle_fault, /* BusFault */
        handle_fault, /* UsageFault */
        handle_fault, /* SecureFault */
        0,
        0,
        0,
        handle_fault, /* SVCall */
        handle_fault, /* DebugMonitor */
        0,
        handle_fault, /* PendSV */
        handle_systick,
    },
};

#ifdef ECG_CACHES /* Cortex-M7 and M55: invalidate, then enable (Armv7-M Architecture Reference Manual, "Cache operations") */

#define CONFIGURATION REGISTER(0xE000ED14u)
#define CACHE_SIZE REGISTER(0xE000ED80u)
#define CACHE_SELECT REGISTER(0xE000ED84u)
#define INVALIDATE_INSTRUCTIONS REGISTER(0xE000EF50u)
#define INVALIDATE_DATA REGISTER(0xE000EF60u) /* four ways of lines of 32 bytes: way << 30 | set << 5 */

static void enable_caches(void)
{
    CACHE_SELECT = 0;
    __asm__ volatile("dsb");
    uint32_t size = CACHE_SIZE;
    for (uint32_t set = 0; set <= (size >> 13 & 0x7FFFu); ++set) {
        for (uint32_t way = 0; way < 4; ++way) {
            INVALIDATE_DATA = way << 30 | set << 5;
        }
    }
    INVALIDATE_INSTRUCTIONS = 0;
    __asm__ volatile("dsb\n\tisb");
    CONFIGURATION |= 3u << 16;
    __asm__ volatile("dsb\n\tisb");
}

#endif

void ecg_reset(void)
{
    memcpy(ecg_data_start, ecg_data_in_flash, (size_t)((char *)ecg_data_end - (char *)ecg_data_start));
    memset(ecg_bss_start, 0, (size_t)((char *)ecg_bss_end - (char *)ecg_bss_start));
    VECTOR_TABLE = (uint32_t)&vectors;
#ifdef ECG_CACHES
    enable_caches();
#endif
#ifdef ECG_BOARD_START
    ECG_BOARD_START;
#endif
    SYSTICK_RELOAD = SYSTICK_SPAN - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7; /* the core's clock, with an interrupt at every span */
    DEBUG_CONTROL |= TRACE_ENABLE;
    DWT_LOCK = DWT_KEY; /* only Cortex-M7 has the lock */
    DWT_CYCLES = 0;
    DWT_CONTROL |= 1;
    __asm__ volatile("nop\n\tnop\n\tnop\n\tnop");
    dwt = DWT_CYCLES;
    ecg_exit(main());
}
