/* SPDX-License-Identifier: Apache-2.0 */
/* What the applications print, and the loop that gives the length of a tick. */
#include "ecg_bench.h"

#define LOOP 1000000u /* times two instructions */

void ecg_bench_write_number(uint64_t number)
{
    char text[24], *at = text + sizeof text;
    *--at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    ecg_host_write(at);
}

void ecg_bench_print(const char *what, uint64_t number)
{
    ecg_host_write(what);
    ecg_host_write(" ");
    ecg_bench_write_number(number);
    ecg_host_write("\n");
}

uint64_t ecg_bench_time_loop(void)
{
    uint64_t start = ecg_bench_ticks();
    uint32_t n = LOOP;
    __asm__ volatile("1: subs %0, #1\n\tbne 1b" : "+l"(n) : : "cc");
    return ecg_bench_ticks() - start;
}
