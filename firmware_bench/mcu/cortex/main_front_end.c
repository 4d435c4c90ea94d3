/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the instructions of the front end of APP_app.c alone, from counts to integers of the network, over SAMPLES
   samples of the sensor. */
#include <stdint.h>

#include "ecg_bench.h"

#define QUOTED(name) #name
#define SOURCE(name) QUOTED(name##_app.c)
#define JOINED(name, part) name##part
#define PART(name, part) JOINED(name, part)
#define INCLUDED(name) SOURCE(name)
#include INCLUDED(APP) /* for its tables, which are static */

#define LEADS 64 /* at most */

static struct PART(APP, _app) app;
static int16_t counts[LEADS];

/* The ticks of SAMPLES samples, drawn and, unless that is not wanted, processed. */
static uint64_t time_samples(int processed, int32_t *sum)
{
    static int32_t values[LEADS];
    const uint64_t start = ecg_bench_ticks();
    for (uint32_t t = 0; t < SAMPLES; ++t) {
        for (int32_t lead = 0; lead < PART(APP, _front_end).leads; ++lead) {
            counts[lead] = (int16_t)(((t + (uint32_t)lead) * 2654435761u) >> 23u);
        }
        __asm__ volatile("" : : : "memory"); /* the counts are stored in either case */
        if (processed != 0) {
            ecg_front_end_push(&PART(APP, _front_end), &app.front_end, counts);
            while (ecg_front_end_next(&PART(APP, _front_end), &app.front_end, values) != 0) {
                for (int32_t lead = 0; lead < PART(APP, _front_end).leads; ++lead) {
                    *sum += ecg_front_end_quantise(values[lead], 1234567890, 55, 3, -128, 127);
                }
            }
        }
    }
    return ecg_bench_ticks() - start;
}

int main(void)
{
    int32_t sum = 0;
    uint64_t spent, nothing;
    PART(APP, _app_init)(&app);
    nothing = time_samples(0, &sum);
    spent = time_samples(1, &sum) - nothing;
    ecg_bench_print("differing", 0);
    ecg_bench_print("values", (uint64_t)(sum != 0));
    ecg_bench_print("runs", 1);
    ecg_bench_print("calls", SAMPLES);
    ecg_bench_print("most", 0);
    ecg_bench_print("ticks", spent);
    ecg_bench_print("loop", ecg_bench_time_loop());
    ecg_bench_print("stack", 0);
    return 0;
}
