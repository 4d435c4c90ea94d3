/* SPDX-License-Identifier: Apache-2.0 */
/* The gates' sigmoid and tanh are those of LiteRT's reference kernels: polynomials in 16-bit fixed point. */
#include "ecg_lstm_s8.h"

#include <string.h>

#include "ecg_fixed.h"
#include "ecg_sums_s8.h"

#define ECG_GATE_BITS 3 /* integer bits of a gate's input */
#define ECG_CELL_GATE 2 /* the gate that has a tanh */

static int32_t saturate(int32_t x)
{
    return ecg_clamp(x, INT16_MIN, INT16_MAX);
}

/* a * b / 2^15, rounded to nearest */
static int32_t multiply(int32_t a, int32_t b)
{
    return ecg_asr((a * b) + 0x4000, 15);
}

/* x * 2^shift, saturated as soon as |x| reaches the last value but one */
static int32_t shift_left(int32_t x, int32_t shift)
{
    const int32_t limit = ecg_pow2(15 - shift) - 1;
    int32_t result;
    if (x > limit) {
        result = INT16_MAX;
    } else if (x < -limit) {
        result = INT16_MIN;
    } else {
        result = x * ecg_pow2(shift);
    }
    return result;
}

/* exp(x) for x < 0 of `bits` integer bits: a polynomial for what is beyond a multiple of 1/4, times exp(-1/4),
   exp(-1/2), exp(-1), ... for the binary digits of that multiple. */
static int32_t exponential_of_negative(int32_t x, int32_t bits)
{
    static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int32_t quarter = ecg_pow2(13 - bits);
    const int32_t part = ecg_low_bits(x, 13 - bits) - quarter;
    const int32_t a = (part * ecg_pow2(bits)) + 0x1000; /* around -1/8 */
    const int32_t a2 = multiply(a, a);
    const int32_t a3 = multiply(a2, a);
    const int32_t a4 = multiply(a2, a2);
    const int32_t tail = ecg_shift_right(multiply(ecg_shift_right(a4, 2) + a3, 10923) + a2, 1);
    const uint32_t digits = (uint32_t)(part - x);
    const int32_t count = ecg_clamp(bits + 2, 0, 7);
    int32_t result = saturate(28918 + multiply(28918, a + tail));
    for (int32_t i = 0; i < count; ++i) {
        if ((digits & ((uint32_t)quarter << (uint32_t)i)) != 0u) {
            result = multiply(result, powers[i]);
        }
    }
    return result;
}

/* exp(x) for x <= 0 of `bits` integer bits. */
static int32_t exponential(int32_t x, int32_t bits)
{
    int32_t result = 0; /* below -32 */
    if (x == 0) {
        result = INT16_MAX;
    } else if ((bits <= 5) || (x >= -ecg_pow2(20 - bits))) {
        result = exponential_of_negative(x, bits);
    } else {
        /* 0 */
    }
    return result;
}

/* 1 / half of (1 + a) for a in [0, 1], 13 fractional bits, by Newton's iteration. */
static int32_t reciprocal_of_half(int32_t a)
{
    const int32_t half = (a + INT16_MAX + 1) / 2;
    int32_t x = 23130 + multiply(half, -15420); /* 48/17 - 32/17 half */
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t rest = 0x2000 - multiply(half, x);
        x += shift_left(multiply(x, rest), 2);
    }
    return x;
}

static int32_t sigmoid(int32_t x)
{
    int32_t result = 0x4000;
    if (x != 0) {
        const int32_t y = shift_left(reciprocal_of_half(exponential((x > 0) ? -x : x, ECG_GATE_BITS)), 1);
        result = (x > 0) ? y : (INT16_MAX - y);
    }
    return result;
}

static int32_t hyperbolic_tangent(int32_t x, int32_t bits)
{
    int32_t result = 0;
    if (x != 0) {
        const int32_t y = shift_left(reciprocal_of_half(exponential((x > 0) ? -x : x, bits + 1)) - 0x2000, 2);
        result = (x > 0) ? y : -y;
    }
    return result;
}

void ecg_lstm_start_s8(const struct ecg_lstm_params_s8 *l, int16_t *hidden, int16_t *cell)
{
    (void)memset(hidden, 0, (size_t)l->units * sizeof *hidden);
    (void)memset(cell, 0, (size_t)l->units * sizeof *cell);
}

void ecg_lstm_step_s8(const struct ecg_lstm_params_s8 *l, const int16_t *x, int16_t *hidden, int16_t *cell, int8_t *out)
{
    const int8_t *weights = l->weights;
    const int8_t *recurrent = l->recurrent;
    for (int32_t u = 0; u < l->units; ++u) {
        int32_t gates[4];
        int32_t recurrent_sums[4] = {0, 0, 0, 0};
        (void)memcpy(gates, l->bias + (4 * u), sizeof gates);
        ecg_dot4(x, weights, l->inputs, l->inputs, gates);
        ecg_dot4(hidden, recurrent, l->units, l->units, recurrent_sums);
        for (int32_t g = 0; g < 4; ++g) {
            int32_t gate = saturate(ecg_rescale(gates[g], l->multipliers[g], l->shifts[g]));
            gate += ecg_rescale(recurrent_sums[g], l->recurrent_multipliers[g], l->recurrent_shifts[g]);
            gate = saturate(gate);
            gates[g] = (g == ECG_CELL_GATE) ? hyperbolic_tangent(gate, ECG_GATE_BITS) : sigmoid(gate);
        }
        const int32_t kept = ecg_shift_right(gates[1] * cell[u], 15);
        const int32_t added = ecg_shift_right(gates[0] * gates[ECG_CELL_GATE], 15 + l->cell_bits);
        const int32_t state = ecg_clamp(saturate(kept + added), -l->cell_clip, l->cell_clip);
        cell[u] = (int16_t)state;
        const int32_t value = ecg_rescale(gates[3] * hyperbolic_tangent(state, l->cell_bits), l->multiplier, l->shift);
        out[u] = (int8_t)ecg_clamp(value + l->zero_out, INT8_MIN, INT8_MAX);
        weights += 4 * l->inputs;
        recurrent += 4 * l->units;
    }
    ecg_widen_s8(out, l->units, l->zero_out, hidden);
}
