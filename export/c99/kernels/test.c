/* Compares the model with the answers of LiteRT's reference kernels; exit status 0 where every byte is the same. */
#include <stdio.h>
#include <string.h>

#include "test_vector.h"

static uint32_t state;

static int8_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    uint8_t byte = (uint8_t)(state >> 8);
    return (int8_t)(byte < 128 ? byte : byte - 256);
}

#if PUSHES

/* The window goes in sample by sample and is never held. */
static void answer(int8_t *outputs)
{
    int8_t sample[ECG_MODEL_SAMPLE];
    int done = 0;
    while (!done) {
        for (int32_t i = 0; i < ECG_MODEL_SAMPLE; ++i) {
            sample[i] = draw();
        }
        done = PUSH(sample, outputs);
    }
}

#else

static void answer(int8_t *outputs)
{
    static int8_t inputs[INPUTS];
    for (int32_t i = 0; i < INPUTS; ++i) {
        inputs[i] = draw();
    }
    RUN(inputs, outputs);
}

#endif

int main(void)
{
    static int8_t outputs[OUTPUTS];
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
