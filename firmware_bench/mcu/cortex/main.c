/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the model on its test windows, which it generates itself, and compares the outputs with those of LiteRT's
   reference kernels; then on windows that the host sends, for as long as there are any. It prints the ticks and the
   outputs of each; of the first ones also how many values differ, the ticks of the call that took most, the ticks of a
   loop of known instructions and the bytes of stack. A recording of a stream counts as a window, in which the model
   runs RUNS times. */
#include <stdint.h>

#define ECG_BOARD
#include "ecg_bench.h"
#include "test_signal.h"

#define PAINT 0xA5u
#define SHOWN 16 /* outputs that are printed */

#ifdef ECG_PROFILE /* profile.h is included */
#define WINDOWS 1
#else
#define WINDOWS TESTS
#define ECG_PROFILE(step) ((void)0)
#define ecg_bench_print_profile() ((void)0)
#endif

extern uint8_t ecg_bss_end[], ecg_stack_top[];

static int from_host;  /* whether windows come from the host; else they are the test's own */
static uint64_t spent; /* ticks of the model in this window */
static uint64_t most;  /* ticks of the call that took most, of all windows */

static void begin_signal(int32_t window, int32_t n)
{
    if (!from_host) {
        ecg_signal_begin(window, signals[n].samples, signals[n].leads, signals[n].zero);
    }
}

#if PUSHES

/* The next sample. Returns 0 where there is none. */
static int read_values(int32_t window, ecg_value *sample)
{
    (void)window;
    if (from_host) {
        return ecg_host_read(sample, SAMPLE_SIZE * sizeof *sample);
    }
    ecg_signal_sample(sample);
    return 1;
}

#define TAKEN SAMPLE_SIZE
#define TAKES SAMPLES /* the window, or the recording, goes in sample by sample and is never held */
#define CALL(values, outputs) (outputs += PUSH(values, outputs) * ANSWER)

#else

/* The next window. Returns 0 where there is none. */
static int read_values(int32_t window, ecg_value *inputs)
{
    if (from_host) {
        return ecg_host_read(inputs, INPUTS * sizeof *inputs);
    }
    for (int32_t n = 0; n < SIGNALS; ++n) {
        begin_signal(window, n);
        for (int32_t t = 0; t < signals[n].samples; ++t) {
            ecg_signal_sample(inputs);
            inputs += signals[n].leads;
        }
    }
    return 1;
}

#define TAKEN INPUTS
#define TAKES 1
#define CALL(values, outputs) RUN(values, outputs)

#endif

static uint64_t time_nothing(void)
{
    uint64_t start = ecg_bench_ticks();
    return ecg_bench_ticks() - start;
}

/* Runs the model on one window. Returns 0 where there is none. */
static int run_window(int32_t window, ecg_value *outputs)
{
    static ecg_value values[TAKEN];
    const uint64_t reading = time_nothing();
    spent = 0;
    BEGIN();
    if (PUSHES) {
        begin_signal(window, 0);
    }
    for (int32_t t = 0; t < TAKES; ++t) {
        if (!read_values(window, values)) {
            return 0;
        }
        uint64_t start = ecg_bench_ticks();
        ECG_PROFILE(flow);
        CALL(values, outputs);
        ECG_PROFILE(bench);
        const uint64_t taken = ecg_bench_ticks() - start - reading;
        spent += taken;
        most = taken > most ? taken : most;
    }
    return 1;
}

static void print_window(int32_t number, const ecg_value *outputs)
{
    int32_t largest = 0;
    ecg_bench_print("window", (uint64_t)number);
    ecg_bench_print("ticks", spent);
    ecg_host_write("outputs");
    for (int32_t i = 0; i < OUTPUTS; ++i) {
        if (i < SHOWN) {
            int32_t value = outputs[i];
            ecg_host_write(value < 0 ? " -" : " ");
            ecg_bench_write_number((uint64_t)(value < 0 ? -value : value));
        }
        largest = outputs[i] > outputs[largest] ? i : largest;
    }
    ecg_host_write(OUTPUTS > SHOWN ? " ...\n" : "\n");
    ecg_bench_print("largest", (uint64_t)largest);
}

int main(void)
{
    static ecg_value outputs[OUTPUTS];
    uint8_t *low = ecg_bss_end, *used;
    uint64_t differing = 0;
    int32_t windows = 0;
    __asm__ volatile("mov %0, sp" : "=r"(used));
    for (volatile uint8_t *at = low; at < used; ++at) { /* volatile: memset would overwrite its own stack frame */
        *at = PAINT;
    }
    ECG_PROFILE(bench);
    ecg_host_write("counter ");
    ecg_host_write(ecg_bench_counter());
    ecg_host_write("\n");
    for (; windows < WINDOWS; ++windows) {
        run_window(windows, outputs);
        print_window(windows, outputs);
        for (int32_t i = 0; i < OUTPUTS; ++i) {
            differing += outputs[i] != expected[windows * OUTPUTS + i];
        }
    }
    while (low < ecg_stack_top && *low == PAINT) {
        ++low;
    }
    ecg_bench_print("differing", differing);
    ecg_bench_print("values", WINDOWS * OUTPUTS);
    ecg_bench_print("runs", RUNS);
    ecg_bench_print("calls", TAKES);
    ecg_bench_print("most", most);
    ecg_bench_print("loop", ecg_bench_time_loop());
    ecg_bench_print("stack", (uint64_t)(ecg_stack_top - low));
    ecg_bench_print_profile();
    from_host = 1;
    ecg_bench_print("bytes", sizeof(ecg_value) * TAKEN); /* that the host sends at once */
    while (run_window(windows, outputs)) {
        print_window(windows++, outputs);
    }
    return differing != 0;
}
