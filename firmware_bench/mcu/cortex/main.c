/* The model on its test windows, which it draws itself, compared with LiteRT's reference kernels; then on windows that
   the host sends, for as long as there are any. Of each it tells the cycles and the outputs; of the first ones also
   values that differ, ticks of a loop of LOOP * 2 instructions and bytes of stack. A recording of a stream counts as a
   window, in which the model runs RUNS times. */
#include <stdint.h>

#include "board.h"
#include "tell.h"
#include "test_vector.h"

#define LOOP 1000000u
#define PAINT 0xA5u
#define SHOWN 16 /* outputs that are printed */

#ifdef ECG_PROFILE /* profile.h is included */
#define SEEDS 1
#else
#define SEEDS TESTS
#define ECG_PROFILE(step) ((void)0)
#define tell_profile() ((void)0)
#endif

extern uint8_t bss_end[], stack_top[];

static uint32_t state; /* of the draws; 0: values come from the host */
static uint64_t spent; /* ticks of the model in this window */

static int fetch(ecg_value *values, int32_t count)
{
    if (!state) {
        return take(values, (uint32_t)count * sizeof *values);
    }
    for (int32_t i = 0; i < count; ++i) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        int32_t bits = (int32_t)(state >> 8 & ((1u << ECG_VALUE_BITS) - 1u));
        values[i] = (ecg_value)(bits > ECG_VALUE_MAX ? bits - (1 << ECG_VALUE_BITS) : bits);
    }
    return 1;
}

#if PUSHES

#define TAKEN ECG_MODEL_SAMPLE
#define TAKES SAMPLES /* the window, or the recording, goes in sample by sample and is never held */
#define CALL(values, outputs) (outputs += PUSH(values, outputs) * ANSWER)

#else

#define TAKEN INPUTS
#define TAKES 1
#define CALL(values, outputs) RUN(values, outputs)

#endif

static uint64_t empty(void)
{
    uint64_t start = ticks();
    return ticks() - start;
}

/* A window; 0 where there is none. */
static int answer(ecg_value *outputs)
{
    static ecg_value values[TAKEN];
    const uint64_t reading = empty();
    spent = 0;
    BEGIN();
    for (int32_t t = 0; t < TAKES; ++t) {
        if (!fetch(values, TAKEN)) {
            return 0;
        }
        uint64_t start = ticks();
        ECG_PROFILE(flow);
        CALL(values, outputs);
        ECG_PROFILE(harness);
        spent += ticks() - start - reading;
    }
    return 1;
}

static void digits(uint64_t number)
{
    char text[24], *at = text + sizeof text;
    *--at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    say(at);
}

void tell(const char *what, uint64_t number)
{
    say(what);
    say(" ");
    digits(number);
    say("\n");
}

static void show(int32_t number, const ecg_value *outputs)
{
    int32_t largest = 0;
    tell("window", (uint64_t)number);
    tell("ticks", spent);
    say("outputs");
    for (int32_t i = 0; i < OUTPUTS; ++i) {
        if (i < SHOWN) {
            int32_t value = outputs[i];
            say(value < 0 ? " -" : " ");
            digits((uint64_t)(value < 0 ? -value : value));
        }
        largest = outputs[i] > outputs[largest] ? i : largest;
    }
    say(OUTPUTS > SHOWN ? " ...\n" : "\n");
    tell("largest", (uint64_t)largest);
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
    uint64_t differing = 0;
    int32_t windows = 0;
    __asm__ volatile("mov %0, sp" : "=r"(used));
    for (volatile uint8_t *at = low; at < used; ++at) { /* volatile: a call of memset would paint over itself */
        *at = PAINT;
    }
    ECG_PROFILE(harness);
    say("counter ");
    say(counter());
    say("\n");
    for (; windows < SEEDS; ++windows) {
        state = seeds[windows];
        answer(outputs);
        show(windows, outputs);
        for (int32_t i = 0; i < OUTPUTS; ++i) {
            differing += outputs[i] != expected[windows * OUTPUTS + i];
        }
    }
    while (low < stack_top && *low == PAINT) {
        ++low;
    }
    tell("differing", differing);
    tell("values", SEEDS * OUTPUTS);
    tell("runs", RUNS);
    tell("loop", loop());
    tell("stack", (uint64_t)(stack_top - low));
    tell_profile();
    state = 0;
    tell("bytes", sizeof(ecg_value) * TAKEN); /* that the host sends at a time */
    while (answer(outputs)) {
        show(windows++, outputs);
    }
    return differing != 0;
}
