/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the model with LiteRT's reference kernels: its outputs, and digests of what its steps make. Exit status 0
   where every value and every digest is the same. */
#include <stdio.h>

#include "test_signal.h"
#include "test_trace.h"

static uint32_t traced[TRACED + 1];

void ecg_trace(int32_t step, int32_t first, int32_t rows, int32_t width, int32_t stride, const ecg_value *values)
{
    for (int32_t r = 0; r < rows; ++r) {
        uint32_t position = (uint32_t)(first + r) * (uint32_t)width;
        for (int32_t i = 0; i < width; ++i) {
            uint32_t value = (uint32_t)((int32_t)values[(r * stride) + i] + 32769);
            traced[step] += value * (((2u * (position + (uint32_t)i)) + 1u) * 2654435761u);
        }
    }
}

#if PUSHES

/* The window, or the recording, goes in sample by sample and is never held. */
static void run_test(int32_t test, ecg_value *outputs)
{
    ecg_value sample[SAMPLE_SIZE];
    ecg_value *next = outputs;
    BEGIN();
    ecg_signal_begin(test, signals[0].samples, signals[0].leads, signals[0].zero);
    for (int32_t t = 0; t < SAMPLES; ++t) {
        ecg_signal_sample(sample);
        next += PUSH(sample, next) * ANSWER;
    }
}

#else

static void run_test(int32_t test, ecg_value *outputs)
{
    static ecg_value inputs[INPUTS];
    ecg_value *next = inputs;
    for (int32_t n = 0; n < SIGNALS; ++n) {
        ecg_signal_begin(test, signals[n].samples, signals[n].leads, signals[n].zero);
        for (int32_t t = 0; t < signals[n].samples; ++t) {
            ecg_signal_sample(next);
            next += signals[n].leads;
        }
    }
    RUN(inputs, outputs);
}

#endif

#ifdef REPLAY
#include "test_replay.h"

/* From counts to answers. Returns 1 where an answer differs. */
static int test_replay(void)
{
    static REPLAY_APP app;
    static REPLAY_ANSWER answer;
    const int32_t number = REPLAY(&app, &answer);
    if (number < 0) {
        (void)printf("%d answers of the replay are right\n", REPLAY_ANSWERS);
        return 0;
    }
    (void)printf("answer %d of the replay differs: sample %lu, classes %lx, quality %lx; expected %lu, %lx, %lx\n",
                 (int)number, (unsigned long)answer.sample, (unsigned long)answer.classes, (unsigned long)answer.quality,
                 (unsigned long)REPLAY_EXPECTED[number].sample, (unsigned long)REPLAY_EXPECTED[number].classes,
                 (unsigned long)REPLAY_EXPECTED[number].quality);
    for (uint32_t i = 0; i < (sizeof answer.outputs / sizeof answer.outputs[0]); ++i) {
        (void)printf("  output %d; expected %d\n", (int)answer.outputs[i], (int)REPLAY_EXPECTED[number].outputs[i]);
    }
    return 1;
}
#else
static int test_replay(void)
{
    return 0;
}
#endif

int main(void)
{
    static ecg_value outputs[OUTPUTS];
    int differing = 0;
    const char *wrong = NULL;
    for (int32_t test = 0; test < TESTS; ++test) {
        for (int32_t n = 0; n < TRACED; ++n) {
            traced[n] = 0;
        }
        run_test(test, outputs);
        for (int32_t i = 0; i < OUTPUTS; ++i) {
            differing += (outputs[i] != expected[(test * OUTPUTS) + i]) ? 1 : 0;
        }
        for (int32_t n = 0; (n < TRACED) && (wrong == NULL); ++n) {
            wrong = (traced[n] != digests[(test * TRACED) + n]) ? traced_names[n] : NULL;
        }
    }
    if (wrong != NULL) {
        (void)printf("the first step that differs is %s\n", wrong);
    }
    (void)printf("%d of %d values differ\n", differing, TESTS * OUTPUTS);
    const int replayed = test_replay();
    return ((differing != 0) || (wrong != NULL) || (replayed != 0)) ? 1 : 0;
}
