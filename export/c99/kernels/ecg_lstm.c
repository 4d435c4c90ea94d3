/* The gates' sigmoid and tanh are those of LiteRT's reference kernels: polynomials in 16-bit fixed point. */
#include "ecg_lstm.h"

#include <string.h>

#include "ecg_dot.h"
#include "ecg_fixed.h"

#define ECG_GATE_BITS 3 /* integer bits of what goes into a gate */

static int32_t saturate(int32_t x)
{
    return ecg_clamp(x, INT16_MIN, INT16_MAX);
}

/* a * b / 2^15, rounded to nearest */
static int32_t multiply(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

/* x * 2^shift, saturated as soon as |x| reaches the last value but one */
static int32_t shift_left(int32_t x, int32_t shift)
{
    int32_t limit = (1 << (15 - shift)) - 1;
    return x > limit ? INT16_MAX : x < -limit ? INT16_MIN : x * (1 << shift);
}

/* exp(x) for x <= 0 of `bits` integer bits: a polynomial for what is beyond a multiple of 1/4, times exp(-1/4),
   exp(-1/2), exp(-1), ... for the binary digits of that multiple. */
static int32_t exponential(int32_t x, int32_t bits)
{
    static const int16_t powers[] = {25520, 19875, 12055, 4435, 600, 11, 0};
    if (x == 0) {
        return INT16_MAX;
    }
    if (bits > 5 && x < -(1 << (20 - bits))) {
        return 0; /* below -32 */
    }
    int32_t quarter = 1 << (13 - bits);
    int32_t part = (x & (quarter - 1)) - quarter;
    int32_t a = part * (1 << bits) + (1 << 12); /* around -1/8 */
    int32_t a2 = multiply(a, a), a3 = multiply(a2, a), a4 = multiply(a2, a2);
    int32_t tail = ecg_shift_right(multiply(ecg_shift_right(a4, 2) + a3, 10923) + a2, 1);
    int32_t result = saturate(28918 + multiply(28918, a + tail));
    int32_t digits = part - x;
    for (int32_t i = 0; i < 7 && i < bits + 2; ++i) {
        if (digits & (quarter << i)) {
            result = multiply(result, powers[i]);
        }
    }
    return result;
}

/* 1 / half of (1 + a) for a in [0, 1], 13 fractional bits, by Newton's iteration. */
static int32_t reciprocal_of_half(int32_t a)
{
    int32_t half = (a + INT16_MAX + 1) / 2;
    int32_t x = 23130 + multiply(half, -15420); /* 48/17 - 32/17 half */
    for (int32_t i = 0; i < 3; ++i) {
        int32_t rest = (1 << 13) - multiply(half, x);
        x += shift_left(multiply(x, rest), 2);
    }
    return x;
}

static int32_t sigmoid(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    int32_t y = shift_left(reciprocal_of_half(exponential(x > 0 ? -x : x, ECG_GATE_BITS)), 1);
    return x > 0 ? y : INT16_MAX - y;
}

static int32_t hyperbolic_tangent(int32_t x, int32_t bits)
{
    if (x == 0) {
        return 0;
    }
    int32_t y = shift_left(reciprocal_of_half(exponential(x > 0 ? -x : x, bits + 1)) - (1 << 13), 2);
    return x > 0 ? y : -y;
}

void ecg_lstm_start(const struct ecg_lstm *l, int16_t *hidden, int16_t *cell)
{
    memset(hidden, 0, (size_t)l->units * sizeof *hidden);
    memset(cell, 0, (size_t)l->units * sizeof *cell);
}

void ecg_lstm_step(const struct ecg_lstm *l, const int16_t *x, int16_t *hidden, int16_t *cell, int8_t *out)
{
    const int8_t *weights = l->weights, *recurrent = l->recurrent;
    for (int32_t u = 0; u < l->units; ++u, weights += 4 * l->inputs, recurrent += 4 * l->units) {
        int32_t sums[4], recurrent_sums[4] = {0, 0, 0, 0};
        memcpy(sums, l->bias + 4 * u, sizeof sums);
        ecg_dot4(x, weights, l->inputs, l->inputs, sums);
        ecg_dot4(hidden, recurrent, l->units, l->units, recurrent_sums);
        for (int32_t g = 0; g < 4; ++g) {
            int32_t gate = saturate(ecg_rescale(sums[g], l->multipliers[g], l->shifts[g]));
            gate += ecg_rescale(recurrent_sums[g], l->recurrent_multipliers[g], l->recurrent_shifts[g]);
            gate = saturate(gate);
            sums[g] = g == 2 ? hyperbolic_tangent(gate, ECG_GATE_BITS) : sigmoid(gate);
        }
        int32_t kept = ecg_shift_right(sums[1] * cell[u], 15);
        int32_t added = ecg_shift_right(sums[0] * sums[2], 15 + l->cell_bits);
        int32_t state = saturate(kept + added);
        state = ecg_clamp(state, -l->cell_clip, l->cell_clip);
        cell[u] = (int16_t)state;
        int32_t value = ecg_rescale(sums[3] * hyperbolic_tangent(state, l->cell_bits), l->multiplier, l->shift);
        out[u] = (int8_t)ecg_clamp(value + l->zero_out, INT8_MIN, INT8_MAX);
    }
    ecg_widen(out, l->units, l->zero_out, hidden);
}
