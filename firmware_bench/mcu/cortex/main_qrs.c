/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the instructions of the QRS detector alone over SAMPLES samples, 128 a second, of an ECG of 75 beats a minute. */
#include <stdint.h>

#include "ecg_bench.h"
#include "ecg_qrs.h"

#define BEAT 102u /* samples */
#define LEARNING 512u /* samples before the count begins */

struct ecg_qrs test_state; /* its section is counted as the program's memory */

static int16_t draw_sample(uint32_t t)
{
    static uint32_t random = 1u;
    const uint32_t phase = t % BEAT;
    random = (random * 1664525u) + 1013904223u;
    return (int16_t)((int32_t)((phase < 5u) ? (phase * 200u) : 0u) + (int32_t)(random >> 27u));
}

int main(void)
{
    uint64_t spent = 0, most = 0, nothing;
    uint32_t beats = 0;
    nothing = ecg_bench_ticks();
    nothing = ecg_bench_ticks() - nothing;
    ecg_qrs_start(&test_state);
    for (uint32_t t = 0; t < (LEARNING + SAMPLES); ++t) {
        const int16_t sample = draw_sample(t);
        const uint64_t start = ecg_bench_ticks();
        const int32_t age = ecg_qrs_push(&test_state, sample);
        const uint64_t taken = ecg_bench_ticks() - start - nothing;
        if (t >= LEARNING) {
            spent += taken;
            most = taken > most ? taken : most;
            beats += (age > 0) ? 1u : 0u;
        }
    }
    ecg_bench_print("differing", 0);
    ecg_bench_print("values", beats);
    ecg_bench_print("runs", 1);
    ecg_bench_print("calls", SAMPLES);
    ecg_bench_print("most", most);
    ecg_bench_print("ticks", spent);
    ecg_bench_print("loop", ecg_bench_time_loop());
    ecg_bench_print("stack", 0);
    return 0;
}
