/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the front end. They are inline, so that the compiler knows the constants of the plan. */
#ifndef ECG_FRONT_END_KERNEL_H
#define ECG_FRONT_END_KERNEL_H

#include <stdint.h>
#include <string.h>

#include "ecg_dot.h"
#include "ecg_fixed.h"
#include "ecg_front_end.h"

#define ECG_COUNT_BITS 14 /* of a resampled count */
#define ECG_LARGEST_SIGNAL 536870912 /* 2^29: 512 mV */
#define ECG_SECTION_BITS 29
#define ECG_LARGEST_OUTPUT 1073741823 /* 2^30 - 1, the least is -2^30 */
#define ECG_POWER_SHIFT 8 /* x / 2^8 is squared */
#define ECG_SCALE_BITS 16

/* x / 2^shift within 31 bits, shift from 2 to 31. The test is one of the upper half of x. */
static inline int32_t ecg_front_end_shift_and_limit(int64_t x, int32_t shift)
{
    const int32_t high = (int32_t)ecg_asr64(x, 32);
    const int32_t bound = ecg_pow2(shift - 2);
    if (high >= bound) {
        return ECG_LARGEST_OUTPUT;
    }
    return (high < -bound) ? (-(ECG_LARGEST_OUTPUT) - 1) : (int32_t)ecg_asr64(x, shift);
}

/* x . coefficients, n products of 16 bits. The sum fits into 32 bits. */
static inline int32_t ecg_front_end_dot(const int16_t *x, const int16_t *coefficients, int32_t n)
{
    int32_t sum = 0;
    int32_t i = 0;
#ifdef ECG_DSP
    for (; i < (n - 1); i += 2) {
        sum = __smlad(ecg_load(x + i), ecg_load(coefficients + i), sum);
    }
#endif
    for (; i < n; ++i) {
        sum += x[i] * coefficients[i];
    }
    return sum;
}

/* Begin a recording. The arrays of `state` are set before. */
static inline void ecg_front_end_start(const struct ecg_front_end *plan, struct ecg_front_end_state *state)
{
    state->position = 0;
    state->lag = plan->half_length * plan->up;
    state->is_started = 0;
    state->is_settled = 0;
    if (plan->block > 0) {
        (void)memset(state->scales, 0, (size_t)plan->leads * sizeof(*state->scales));
    }
}

/* Take a sample of the sensor, one count of each lead. */
static inline void ecg_front_end_push(const struct ecg_front_end *plan, struct ecg_front_end_state *state, const int16_t *counts)
{
    const int32_t taps = plan->taps;
    const int32_t before = state->position;
    const int32_t next = before + 1;
    state->position = (next < taps) ? next : 0;
    for (int32_t lead = 0; lead < plan->leads; ++lead) {
        int16_t *history = state->history + (lead * 2 * taps);
        int16_t count = counts[lead];
        if (count == ECG_MISSING) {
            count = (state->is_started != 0) ? history[before] : (int16_t)plan->baselines[lead];
        }
        if (state->is_started == 0) { /* the first sample stands for all before it */
            for (int32_t i = 0; i < (2 * taps); ++i) {
                history[i] = count;
            }
        }
        history[state->position] = count; /* twice, so that the last samples always lie one after the other */
        history[state->position + taps] = count;
    }
    state->is_started = 1;
    state->lag -= plan->up;
}

/* The square root of x, rounded down. */
static inline int64_t ecg_front_end_root(int64_t x)
{
    uint64_t rest = (uint64_t)x;
    uint64_t result = 0;
    for (uint64_t bit = UINT64_C(1) << 62u; bit != 0u; bit >>= 2u) {
        if (rest >= (result + bit)) {
            rest -= result + bit;
            result = (result >> 1u) + bit;
        } else {
            result >>= 1u;
        }
    }
    return (int64_t)result;
}

/* x multiplier / 2^shift within +-ECG_LARGEST_SIGNAL. */
static inline int32_t ecg_front_end_to_unit(int32_t x, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)x * multiplier;
    int64_t scaled;
    if (shift >= 32) { /* the usual gains: 128 counts and more in a unit */
        scaled = ecg_asr((int32_t)ecg_asr64(product, 32), shift - 32);
    } else {
        scaled = ecg_asr64(product, shift);
    }
    return (scaled > ECG_LARGEST_SIGNAL) ? ECG_LARGEST_SIGNAL : ((scaled < -ECG_LARGEST_SIGNAL) ? -ECG_LARGEST_SIGNAL : (int32_t)scaled);
}

static inline int32_t ecg_front_end_scale(const struct ecg_front_end *plan, struct ecg_scale_state *state, int32_t x)
{
    const int32_t result = ecg_front_end_shift_and_limit((int64_t)x * state->factor, ECG_SCALE_BITS);
    const int32_t reduced = ecg_asr(x, ECG_POWER_SHIFT);
    state->total += (int64_t)reduced * reduced;
    state->count++;
    if (state->count == plan->block) {
        const int64_t power = (state->total / plan->block) * 256;
        state->blocks = (state->blocks < plan->memory) ? (state->blocks + 1) : plan->memory;
        state->power += (power / state->blocks) - (state->power / state->blocks);
        const int64_t deviation = ecg_front_end_root(state->power); /* below 3 the factor has no place in 32 bits */
        state->factor = (int32_t)(INT64_C(4294967296) / ((deviation > 2) ? deviation : 3));
        state->total = 0;
        state->count = 0;
    }
    return result;
}

/* Let a lead's sections start as if x had always been there. */
static inline void ecg_front_end_settle(const struct ecg_front_end *plan, struct ecg_section_state *states, int32_t x)
{
    int32_t value = x;
    for (int32_t n = 0; n < plan->section_count; ++n) {
        states[n].x1 = value;
        states[n].x2 = value;
        value = (plan->sections[n].passes_constant != 0) ? value : 0;
        states[n].y1 = value;
        states[n].y2 = value;
        states[n].remainder = 0;
    }
}

static inline int64_t ecg_front_end_add_product(int64_t sum, int32_t a, int32_t b)
{
    return sum + ((int64_t)a * b);
}

static inline int32_t ecg_front_end_filter(const struct ecg_front_end_section *section, struct ecg_section_state *state, int32_t x)
{
    int64_t total = ecg_front_end_add_product(state->remainder, section->b0, x);
    total = ecg_front_end_add_product(total, section->b1, state->x1);
    total = ecg_front_end_add_product(total, section->b2, state->x2);
    total = ecg_front_end_add_product(total, section->minus_a1, state->y1);
    total = ecg_front_end_add_product(total, section->minus_a2, state->y2);
    const int32_t y = ecg_front_end_shift_and_limit(total, ECG_SECTION_BITS);
    state->remainder = ecg_low_bits((int32_t)(uint32_t)(uint64_t)total, ECG_SECTION_BITS);
    state->x2 = state->x1;
    state->x1 = x;
    state->y2 = state->y1;
    state->y1 = y;
    return y;
}

/* After a push, until it returns 0: 1 and the next sample for the model, a value of each lead. */
static inline int32_t ecg_front_end_next(const struct ecg_front_end *plan, struct ecg_front_end_state *state, int32_t *values)
{
    const int32_t taps = plan->taps;
    const int32_t phase = state->lag + plan->up;
    if (state->lag >= 0) {
        return 0;
    }
    for (int32_t lead = 0; lead < plan->leads; ++lead) {
        const int16_t *window = state->history + (lead * 2 * taps) + state->position + 1;
        const int32_t sum = ecg_front_end_dot(window, plan->phases + (phase * taps), taps);
        const int32_t centred = sum - (plan->baselines[lead] * ecg_pow2(ECG_COUNT_BITS));
        int32_t x = ecg_front_end_to_unit(centred, plan->multipliers[lead], plan->shifts[lead]);
        struct ecg_section_state *states = state->sections + (lead * plan->section_count);
        if (state->is_settled == 0) {
            ecg_front_end_settle(plan, states, x);
        }
        for (int32_t n = 0; n < plan->section_count; ++n) {
            x = ecg_front_end_filter(plan->sections + n, states + n, x);
        }
        values[lead] = (plan->block > 0) ? ecg_front_end_scale(plan, &state->scales[lead], x) : x;
    }
    state->is_settled = 1;
    state->lag += plan->down;
    return 1;
}

/* Value x of a front end as an integer of the model: x multiplier / 2^shift, rounded, plus the zero point, limited. */
static inline int32_t ecg_front_end_quantise(
    int32_t x, int32_t multiplier, int32_t shift, int32_t zero_point, int32_t low, int32_t high)
{
    const int64_t product = (int64_t)x * multiplier;
    int32_t rounded;
    if (shift >= 33) { /* the usual scales: the lower half of the product does not count */
        rounded = ecg_asr((int32_t)ecg_asr64(product, 32) + ecg_pow2(shift - 33), shift - 32);
    } else {
        const int64_t wide = ecg_asr64(product + (int64_t)(UINT64_C(1) << (uint32_t)(shift - 1)), shift);
        rounded = (wide > 65536) ? 65536 : ((wide < -65536) ? -65536 : (int32_t)wide);
    }
    return ecg_clamp(rounded + zero_point, low, high);
}

/* Find the scale of `samples` values, each `stride` after the one before. */
static inline struct ecg_window_scale ecg_find_window_scale(const int32_t *values, int32_t samples, int32_t stride)
{
    struct ecg_window_scale scale;
    int64_t sum = 0;
    int64_t power = 0;
    for (int32_t t = 0; t < samples; ++t) {
        sum += values[t * stride];
    }
    const int64_t mean = sum / samples;
    const int64_t rest = sum % samples;
    scale.mean = (int32_t)mean - ((rest < 0) ? 1 : 0);
    for (int32_t t = 0; t < samples; ++t) {
        const int32_t reduced = ecg_asr(values[t * stride] - scale.mean, ECG_POWER_SHIFT);
        power += (int64_t)reduced * reduced;
    }
    const int64_t deviation = ecg_front_end_root((power / samples) * 256);
    scale.factor = (int32_t)(INT64_C(4294967296) / ((deviation > 2) ? deviation : 3));
    return scale;
}

/* A value of the window, scaled to zero mean and unit standard deviation. */
static inline int32_t ecg_scale_window(const struct ecg_window_scale *scale, int32_t value)
{
    return ecg_front_end_shift_and_limit((int64_t)(value - scale->mean) * scale->factor, ECG_SCALE_BITS);
}

#endif
