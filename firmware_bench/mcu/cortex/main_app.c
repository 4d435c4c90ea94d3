/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds counts to the path from a sensor to labels, APP.h, and counts its instructions from the first answer to the last
   of ANSWERS more: what a device spends once its first window is full. It prints the ticks, those of the poll that took
   most, and the samples of the sensor that were taken meanwhile. */
#include <stdint.h>

#include "ecg_bench.h"

#define QUOTED(name) #name
#define HEADER(name) QUOTED(name##_app.h)
#define JOINED(name, part) name##part
#define PART(name, part) JOINED(name, part)
#define INCLUDED(name) HEADER(name)
#include INCLUDED(APP)

#define PAINT 0xA5u
#define LEADS 64 /* at most */

#ifdef ECG_PROFILE /* profile.h is included */
#define PROFILED 1
#else
#define PROFILED 0
#define ECG_PROFILE(step) ((void)0)
#define ecg_bench_print_profile() ((void)0)
#endif

extern uint8_t ecg_bss_end[], ecg_stack_top[];

struct PART(APP, _app) test_state; /* of one signal: its section is counted as the program's memory */

/* A sample that looks like an ECG of 75 beats a minute: spikes on noise. */
static void draw_sample(uint32_t t, int16_t *counts)
{
    static uint32_t random = 1u;
    const uint32_t phase = t % BEAT;
    for (int lead = 0; lead < LEADS; ++lead) {
        random = (random * 1664525u) + 1013904223u;
        counts[lead] = (int16_t)((phase < 8u ? 40 * (int)phase : 0) + (int)(random >> 28u));
    }
}

int main(void)
{
    static struct PART(APP, _answer) answer;
    static int16_t counts[LEADS];
    uint64_t spent = 0, most = 0, nothing;
    uint32_t answers = 0, samples = 0, t = 0;
    uint8_t *low = ecg_bss_end, *used;
    __asm__ volatile("mov %0, sp" : "=r"(used));
    for (volatile uint8_t *at = low; at < used; ++at) {
        *at = PAINT;
    }
    nothing = ecg_bench_ticks();
    nothing = ecg_bench_ticks() - nothing;
    PART(APP, _app_init)(&test_state);
    while (answers < (1u + ANSWERS)) {
        draw_sample(t++, counts);
        if (PART(APP, _app_push)(&test_state, counts) == 0) {
            return 1;
        }
        samples += (answers > 0u || PROFILED) ? 1u : 0u;
        int done;
        do {
            ECG_PROFILE(bench);
            const uint64_t start = ecg_bench_ticks();
            ECG_PROFILE(app);
            done = PART(APP, _app_poll)(&test_state, &answer);
            ECG_PROFILE(bench);
            const uint64_t taken = ecg_bench_ticks() - start - nothing;
            if (answers > 0u || PROFILED) {
                spent += taken;
                most = taken > most ? taken : most;
            }
            answers += (done == 2) ? 1u : 0u;
        } while (done != 0);
    }
    while (low < ecg_stack_top && *low == PAINT) {
        ++low;
    }
    ecg_bench_print("differing", 0);
    ecg_bench_print("values", answers);
    ecg_bench_print("runs", 1);
    ecg_bench_print("calls", samples);
    ecg_bench_print("most", most);
    ecg_bench_print("ticks", spent);
    ecg_bench_print("loop", ecg_bench_time_loop());
    ecg_bench_print("stack", (uint64_t)(ecg_stack_top - low));
    ecg_bench_print_profile();
    return 0;
}
