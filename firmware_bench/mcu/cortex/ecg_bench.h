/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark application of ecg-edge on a Cortex-M core. Every global name begins with ecg_, so that none collides
   with a vendor's code. */
#ifndef ECG_BENCH_H
#define ECG_BENCH_H

#include <stdint.h>

/* start.c: ticks since reset. On a board they are cycles of the core; QEMU does not model cycles, and there they are a
   fixed share of the instructions. */
uint64_t ecg_bench_ticks(void);

/* start.c: what counts the ticks, "DWT" or "SysTick". */
const char *ecg_bench_counter(void);

/* print.c: prints a line of a word and a number, or a number alone. */
void ecg_bench_print(const char *word, uint64_t number);
void ecg_bench_write_number(uint64_t number);

/* print.c: the ticks of a loop of two million instructions. */
uint64_t ecg_bench_time_loop(void);

/* The channel to the host, semihosting.c or a UART: prints a text that ends with 0. */
void ecg_host_write(const char *text);

/* The channel: fetches the next `count` bytes of windows from the host. Returns 0 where there are no more. */
int ecg_host_read(void *bytes, uint32_t count);

/* The channel: ends the application. status: 0 where every output was right. */
void ecg_exit(int status) __attribute__((noreturn));

#endif
