/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_front_end.h"

#include <string.h>

#include "ecg_dot.h"
#include "ecg_fixed.h"

#define FRACTION_BITS 14             /* of a resampled count */
#define LARGEST_SIGNAL 536870912     /* 2^29: 512 mV */
#define SECTION_BITS 29
#define LARGEST_OUTPUT 1073741824    /* 2^30 */
#define POWER_SHIFT 8                /* x / 2^8 is squared */
#define SCALE_BITS 16

static int32_t limit(int64_t x, int32_t largest)
{
    return (x > largest) ? largest : ((x < -largest) ? -largest : (int32_t)x);
}

/* x . coefficients, n products of 16 bits. The sum fits into 32 bits. */
static int32_t dot(const int16_t *x, const int16_t *coefficients, int32_t n)
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

void ecg_front_end_start(const struct ecg_front_end *plan, struct ecg_front_end_state *state)
{
    state->position = 0;
    state->lag = plan->half_length * plan->up;
    state->is_started = 0;
    state->is_settled = 0;
    if (plan->block > 0) {
        (void)memset(state->scales, 0, (size_t)plan->leads * sizeof *state->scales);
    }
}

void ecg_front_end_push(const struct ecg_front_end *plan, struct ecg_front_end_state *state, const int16_t *counts)
{
    const int32_t taps = plan->taps;
    const int32_t before = state->position;
    state->position = ((before + 1) < taps) ? (before + 1) : 0;
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
static int64_t root(int64_t x)
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

static int32_t scale(const struct ecg_front_end *plan, struct ecg_scale_state *state, int32_t x)
{
    const int32_t result = limit(ecg_asr64(x * state->factor, SCALE_BITS), LARGEST_OUTPUT);
    const int64_t reduced = ecg_asr(x, POWER_SHIFT);
    state->total += reduced * reduced;
    state->count++;
    if (state->count == plan->block) {
        const int64_t power = (state->total / plan->block) * 256;
        state->blocks = (state->blocks < plan->memory) ? (state->blocks + 1) : plan->memory;
        state->power += (power / state->blocks) - (state->power / state->blocks);
        const int64_t deviation = root(state->power);
        state->factor = INT64_C(4294967296) / ((deviation > 1) ? deviation : 1);
        state->total = 0;
        state->count = 0;
    }
    return result;
}

static int32_t filter(const struct ecg_front_end_section *section, struct ecg_section_state *state, int32_t x)
{
    const int64_t total = ((int64_t)section->b0 * x) + ((int64_t)section->b1 * state->x1) +
                          ((int64_t)section->b2 * state->x2) - ((int64_t)section->a1 * state->y1) -
                          ((int64_t)section->a2 * state->y2) + state->remainder;
    const int32_t y = limit(ecg_asr64(total, SECTION_BITS), LARGEST_OUTPUT);
    state->remainder = ecg_low_bits((int32_t)(uint32_t)(uint64_t)total, SECTION_BITS);
    state->x2 = state->x1;
    state->x1 = x;
    state->y2 = state->y1;
    state->y1 = y;
    return y;
}

int32_t ecg_front_end_next(const struct ecg_front_end *plan, struct ecg_front_end_state *state, int32_t *values)
{
    const int32_t taps = plan->taps;
    const int32_t phase = state->lag + plan->up;
    if (state->lag >= 0) {
        return 0;
    }
    for (int32_t lead = 0; lead < plan->leads; ++lead) {
        const int16_t *window = state->history + (lead * 2 * taps) + state->position + 1;
        const int64_t sum = dot(window, plan->phases + (phase * taps), taps);
        const int64_t centred = sum - ((int64_t)plan->baselines[lead] * ecg_pow2(FRACTION_BITS));
        const int64_t half = (int64_t)(UINT64_C(1) << (uint32_t)(plan->shifts[lead] - 1));
        const int64_t scaled = ecg_asr64((centred * plan->multipliers[lead]) + half, plan->shifts[lead]);
        int32_t x = limit(scaled, LARGEST_SIGNAL);
        for (int32_t n = 0; n < plan->section_count; ++n) {
            struct ecg_section_state *section = state->sections + (lead * plan->section_count) + n;
            if (state->is_settled == 0) { /* as if the first value had always been there */
                const int32_t settled = (plan->sections[n].passes_constant != 0) ? x : 0;
                section->x1 = x;
                section->x2 = x;
                section->y1 = settled;
                section->y2 = settled;
                section->remainder = 0;
            }
            x = filter(&plan->sections[n], section, x);
        }
        values[lead] = (plan->block > 0) ? scale(plan, &state->scales[lead], x) : x;
    }
    state->is_settled = 1;
    state->lag += plan->down;
    return 1;
}

int32_t ecg_front_end_quantise(int32_t x, int32_t multiplier, int32_t shift, int32_t zero_point, int32_t low, int32_t high)
{
    const int64_t half = (int64_t)(UINT64_C(1) << (uint32_t)(shift - 1));
    const int64_t rounded = ecg_asr64(((int64_t)x * multiplier) + half, shift) + zero_point;
    return (rounded > high) ? high : ((rounded < low) ? low : (int32_t)rounded);
}
