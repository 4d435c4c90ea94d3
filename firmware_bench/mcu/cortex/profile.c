/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks of each step of the model, from where it begins to where the next one does. */
#include <string.h>

#include "ecg_bench.h"

#define STEPS 4096 /* ecg_mamba at paper size, over a whole window, has a thousand */

static struct {
    const char *name; /* of the step; null in unused entries */
    uint64_t ticks;   /* that were spent in it */
    uint64_t calls;   /* how often it began */
} steps[STEPS];
static int current;    /* the step that is running */
static uint64_t since; /* the tick at which it began */

void ecg_bench_profile(const char *step)
{
    steps[current].ticks += ecg_bench_ticks() - since;
    if (current + 1 < STEPS && steps[current + 1].name == step) { /* mostly they come in the same order */
        ++current;
    } else {
        for (current = 0; current + 1 < STEPS && steps[current].name && strcmp(steps[current].name, step); ++current) {
        }
    }
    steps[current].name = step;
    steps[current].calls++;
    since = ecg_bench_ticks();
}

void ecg_bench_print_profile(void)
{
    for (int i = 0; i < 100; ++i) { /* what a call of `profile` itself adds to a step */
        ECG_PROFILE(empty);
    }
    ECG_PROFILE(end);
    for (int i = 0; i < STEPS && steps[i].name; ++i) {
        ecg_host_write("step ");
        ecg_host_write(steps[i].name);
        ecg_bench_print("", steps[i].calls);
        ecg_host_write("ticks ");
        ecg_host_write(steps[i].name);
        ecg_bench_print("", steps[i].ticks);
    }
}
