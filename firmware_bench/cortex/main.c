/* Runs the model on its test windows, compares, and tells: values that differ from LiteRT's reference kernels, ticks of
   a test and runs of the model in it, ticks of a loop of LOOP * 2 instructions, bytes of stack. */
#include <stdint.h>

#include "board.h"
#include "test_vector.h"

#define LOOP 1000000u
#define PAINT 0xA5u

extern uint8_t bss_end[], stack_top[];

static uint32_t state;

static ecg_value draw(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    int32_t bits = (int32_t)(state >> 8 & ((1u << ECG_VALUE_BITS) - 1u));
    return (ecg_value)(bits > ECG_VALUE_MAX ? bits - (1 << ECG_VALUE_BITS) : bits);
}

#if PUSHES

/* The window, or the recording, goes in sample by sample and is never held. */
static void answer(ecg_value *outputs, int compute)
{
    ecg_value sample[ECG_MODEL_SAMPLE];
    BEGIN();
    for (int32_t t = 0; t < SAMPLES; ++t) {
        for (int32_t i = 0; i < ECG_MODEL_SAMPLE; ++i) {
            sample[i] = draw();
        }
        if (compute) {
            outputs += PUSH(sample, outputs) * ANSWER;
        }
    }
}

#else

static void answer(ecg_value *outputs, int compute)
{
    static ecg_value inputs[INPUTS];
    for (int32_t i = 0; i < INPUTS; ++i) {
        inputs[i] = draw();
    }
    if (compute) {
        RUN(inputs, outputs);
    }
}

#endif

static void tell(const char *what, uint64_t number)
{
    char digits[24], *at = digits + sizeof digits;
    *--at = 0;
    *--at = '\n';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    say(what);
    say(" ");
    say(at);
}

static uint64_t timed(ecg_value *outputs, uint32_t seed, int compute)
{
    uint64_t start = ticks();
    state = seed;
    answer(outputs, compute);
    return ticks() - start;
}

static uint64_t loop(void)
{
    uint64_t start = ticks();
    uint32_t n = LOOP;
    __asm__ volatile("1: subs %0, #1\n\tbne 1b" : "+l"(n) : : "cc");
    return ticks() - start;
}

int main(void)
{
    static ecg_value outputs[OUTPUTS];
    uint8_t *low = bss_end, *used;
    uint64_t spent = 0, differing = 0;
    __asm__ volatile("mov %0, sp" : "=r"(used));
    for (volatile uint8_t *at = low; at < used; ++at) { /* volatile: a call of memset would paint over itself */
        *at = PAINT;
    }
    for (int32_t test = 0; test < TESTS; ++test) {
        spent = timed(outputs, seeds[test], 1) - timed(outputs, seeds[test], 0);
        for (int32_t i = 0; i < OUTPUTS; ++i) {
            differing += outputs[i] != expected[test * OUTPUTS + i];
        }
    }
    while (low < stack_top && *low == PAINT) {
        ++low;
    }
    tell("differing", differing);
    tell("values", (uint64_t)TESTS * OUTPUTS);
    tell("ticks", spent);
    tell("runs", RUNS);
    tell("loop", loop());
    tell("stack", (uint64_t)(stack_top - low));
    return differing != 0;
}
