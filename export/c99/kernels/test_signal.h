/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the test inputs sample by sample: pulses like an ECG's, and noise; or rows of random numbers. It includes
   test_vector.h. */
#ifndef ECG_TEST_SIGNAL_H
#define ECG_TEST_SIGNAL_H

#include <stdint.h>

#include "test_vector.h"

static uint32_t ecg_signal_state = SIGNAL_SEED; /* of the generator */
static uint32_t ecg_signal_noise;               /* of the generator, at the noise of the next sample */
static int32_t ecg_signal_time, ecg_signal_leads, ecg_signal_zero, ecg_signal_range;
static int32_t ecg_signal_heights[SIGNAL_LEADS];
static int32_t ecg_signal_beats[SIGNAL_BEATS];
static int32_t ecg_signal_beat_count;
static int32_t ecg_signal_rows; /* how many random rows come; -1: pulses */

/* Marsaglia's xorshift32. */
static uint32_t ecg_signal_draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Begin a signal of the test input with that number. */
static void ecg_signal_begin(int32_t vector, int32_t samples, int32_t leads, int32_t zero)
{
    uint32_t *state = &ecg_signal_state;
    ecg_signal_time = 0;
    ecg_signal_leads = leads;
    ecg_signal_zero = zero;
    ecg_signal_rows = -1;
    if ((SIGNAL_ROWS != 0) && ((vector % 2) == 0)) {
        ecg_signal_rows = (samples / 4) + (int32_t)(ecg_signal_draw(state) % (uint32_t)(samples - (samples / 4) + 1));
        ecg_signal_noise = *state;
        for (int32_t t = 0; t < samples; ++t) {
            (void)ecg_signal_draw(state);
        }
        return;
    }
    int32_t period = (SIGNAL_RATE * (40 + (int32_t)(ecg_signal_draw(state) % 80u))) / 100;
    int32_t jitter = ((vector % 2) != 0) ? (period / 2) : 0;
    for (int32_t lead = 0; lead < leads; ++lead) {
        uint32_t drawn = ecg_signal_draw(state);
        int32_t height = 24 + (int32_t)(drawn % 40u);
        ecg_signal_heights[lead] = (((drawn >> 16) & 1u) != 0u) ? -height : height;
    }
    ecg_signal_noise = *state;
    for (int32_t t = 0; t < samples; ++t) {
        (void)ecg_signal_draw(state); /* the noise, which is drawn again sample by sample */
    }
    ecg_signal_beat_count = 0;
    int32_t beat = (int32_t)(ecg_signal_draw(state) % (uint32_t)period);
    while (beat < samples) {
        ecg_signal_beats[ecg_signal_beat_count++] = beat;
        beat += period + (int32_t)(ecg_signal_draw(state) % (uint32_t)(jitter + 1));
    }
    ecg_signal_range = 1 << (vector % 4);
}

static int32_t ecg_signal_triangle(int32_t distance, int32_t width, int32_t height)
{
    int32_t away = (distance < 0) ? -distance : distance;
    return (away < width) ? ((height * (width - away)) / width) : 0;
}

/* The next sample of all leads. */
static void ecg_signal_sample(ecg_value *values)
{
    uint32_t noise = ecg_signal_draw(&ecg_signal_noise);
    int32_t shape = 0;
    if (ecg_signal_rows >= 0) {
        for (int32_t lead = 0; lead < ecg_signal_leads; ++lead) {
            int32_t value = (int32_t)((noise * ((2u * (uint32_t)lead) + 1u)) >> 24) - 128;
            value = (ecg_signal_time < ecg_signal_rows) ? (value * SIGNAL_SCALE) : ecg_signal_zero;
            values[lead] = (ecg_value)value;
        }
        ecg_signal_time++;
        return;
    }
    for (int32_t n = 0; n < ecg_signal_beat_count; ++n) {
        int32_t distance = ecg_signal_time - ecg_signal_beats[n];
        shape += ecg_signal_triangle(distance + (SIGNAL_RATE / 6), (SIGNAL_RATE / 25) + 1, 10);
        shape += ecg_signal_triangle(distance, (SIGNAL_RATE / 25) + 1, 64);
        shape += ecg_signal_triangle(distance - (SIGNAL_RATE / 4), (SIGNAL_RATE / 10) + 1, 16);
    }
    for (int32_t lead = 0; lead < ecg_signal_leads; ++lead) {
        int32_t height = ecg_signal_heights[lead];
        int32_t value = (height < 0) ? -((-height * shape) / 64) : ((height * shape) / 64);
        value += (int32_t)((noise >> (lead % 16)) % (uint32_t)((2 * ecg_signal_range) + 1)) - ecg_signal_range;
        value = (value * SIGNAL_SCALE) + ecg_signal_zero;
        value = (value < -ECG_VALUE_MAX - 1) ? (-ECG_VALUE_MAX - 1) : value;
        values[lead] = (ecg_value)((value > ECG_VALUE_MAX) ? ECG_VALUE_MAX : value);
    }
    ecg_signal_time++;
}

#endif
