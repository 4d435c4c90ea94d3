/* Compares the model with the answers of LiteRT's reference kernels; exit status 0 where every byte is the same. */
#include <stdio.h>
#include <string.h>

#include "test_vector.h"

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
static void answer(ecg_value *outputs)
{
    ecg_value sample[ECG_MODEL_SAMPLE];
    BEGIN();
    for (int32_t t = 0; t < SAMPLES; ++t) {
        for (int32_t i = 0; i < ECG_MODEL_SAMPLE; ++i) {
            sample[i] = draw();
        }
        outputs += PUSH(sample, outputs) * ANSWER;
    }
}

#else

static void answer(ecg_value *outputs)
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
        answer(outputs);
        for (int32_t i = 0; i < OUTPUTS; ++i) {
            differing += outputs[i] != expected[test * OUTPUTS + i];
        }
    }
    printf("%d of %d values differ\n", differing, TESTS * OUTPUTS);
    return differing != 0;
}
