/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the model with the outputs of LiteRT's reference kernels; exit status 0 where every value is the same. */
#include <stdio.h>
#include <string.h>

#include "test_vector.h"

static uint32_t state;

static ecg_value draw(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    int32_t bits = (int32_t)((state >> 8) & ((1u << ECG_VALUE_BITS) - 1u));
    return (ecg_value)((bits > ECG_VALUE_MAX) ? (bits - (int32_t)(1u << ECG_VALUE_BITS)) : bits);
}

#if PUSHES

/* The window, or the recording, goes in sample by sample and is never held. */
static void run_test(ecg_value *outputs)
{
    ecg_value sample[SAMPLE_SIZE];
    ecg_value *next = outputs;
    BEGIN();
    for (int32_t t = 0; t < SAMPLES; ++t) {
        for (int32_t i = 0; i < SAMPLE_SIZE; ++i) {
            sample[i] = draw();
        }
        next += PUSH(sample, next) * ANSWER;
    }
}

#else

static void run_test(ecg_value *outputs)
{
    static ecg_value inputs[INPUTS];
    for (int32_t i = 0; i < INPUTS; ++i) {
        inputs[i] = draw();
    }
    RUN(inputs, outputs);
}

#endif

int main(void)
{
    static ecg_value outputs[OUTPUTS];
    int differing = 0;
    for (int32_t test = 0; test < TESTS; ++test) {
        state = seeds[test];
        run_test(outputs);
        for (int32_t i = 0; i < OUTPUTS; ++i) {
            differing += (outputs[i] != expected[(test * OUTPUTS) + i]) ? 1 : 0;
        }
    }
    (void)printf("%d of %d values differ\n", differing, TESTS * OUTPUTS);
    return (differing != 0) ? 1 : 0;
}
