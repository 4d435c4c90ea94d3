/* SPDX-License-Identifier: Apache-2.0 */
/* The softmax is that of LiteRT's reference kernel for 16 bits, which looks its functions up in tables. */
#include "ecg_attention_s8.h"

#include "ecg_fixed.h"

/* x in 16 bits, narrowed to 8 */
static int8_t narrow(int32_t x, int32_t multiplier, int32_t shift, int32_t zero)
{
    const int32_t value = ecg_rescale(ecg_clamp(x, INT16_MIN, INT16_MAX), multiplier, shift) + zero;
    return (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
}

void ecg_attention_scores_s8(const struct ecg_attention_scores_params_s8 *s, const int8_t *query, const int8_t *keys,
                             int8_t *row)
{
    for (int32_t column = 0; column < s->columns; ++column) {
        const int8_t *key = keys + (column * s->column_step);
        int32_t sum = 0;
        for (int32_t k = 0; k < s->depth; ++k) {
            sum += (query[k] - s->zero_a) * (key[k * s->depth_step] - s->zero_b);
        }
        const int32_t value = ecg_rescale(sum, s->multiplier, s->shift) + s->zero_out;
        row[column] = (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
    }
}

/* 1 / sum in 15 fractional bits, times a power of two: the sum, itself of 15, is between 2^(bits - 1) and 2^bits. */
static int32_t reciprocal(const int16_t *points, int32_t sum, int32_t *bits)
{
    int32_t length = 0;
    while (ecg_asr(sum, length) != 0) {
        ++length;
    }
    *bits = length;
    /* How far the sum is beyond that power of two, in 1 / 2^16 of it. */
    const int64_t normal = (int64_t)sum * ((int64_t)1 + INT32_MAX);
    const int32_t rounded = (int32_t)ecg_asr64(ecg_asr64(normal, length) + 0x2000, 14);
    const int32_t x = ecg_clamp(rounded - 0x10000, 0, UINT16_MAX);
    const int32_t at = ecg_asr(x, 7);
    const int32_t from = points[at];
    const int32_t to = points[at + 1];
    return from + ecg_asr(((to - from) * ecg_low_bits(x, 7)) + 64, 7);
}

void ecg_attention_weights_s8(const struct ecg_attention_params_s8 *a, const int8_t *row, int16_t *weights)
{
    int32_t most = INT8_MIN;
    int32_t sum = 0;
    int32_t bits;
    for (int32_t i = 0; i < a->keys; ++i) {
        most = ecg_larger(most, row[i]);
    }
    for (int32_t i = 0; i < a->keys; ++i) {
        weights[i] = a->exponentials[most - row[i]];
        sum += weights[i];
    }
    const int32_t scale = reciprocal(a->reciprocals, sum, &bits);
    const int32_t shift = bits - 1;
    const int32_t half = ecg_pow2(shift - 1);
    for (int32_t i = 0; i < a->keys; ++i) {
        const int32_t weight = ecg_asr((weights[i] * scale) + half, shift);
        weights[i] = (int16_t)ecg_clamp(weight, 0, INT16_MAX);
    }
}

void ecg_attention_product_s8(const struct ecg_attention_params_s8 *a, const int16_t *weights, const int8_t *values,
                              int8_t *out)
{
    const int64_t half = (int64_t)(UINT64_C(1) << (uint32_t)(a->shift - 1));
    for (int32_t column = 0; column < a->columns; ++column) {
        const int8_t *value = values + (column * a->column_step);
        int32_t sum = 0;
        for (int32_t i = 0; i < a->keys; ++i) {
            sum += weights[i] * (value[i * a->key_step] - a->zero_value);
        }
        const int32_t wide = (int32_t)ecg_asr64(((int64_t)sum * a->multiplier) + half, a->shift);
        out[column] = narrow(wide, a->narrow_multiplier, a->narrow_shift, a->zero_out);
    }
}

void ecg_attention_add_s8(const int16_t *weights, int32_t n, int32_t *sums)
{
    for (int32_t i = 0; i < n; ++i) {
        sums[i] += weights[i];
    }
}

void ecg_attention_mean_s8(const struct ecg_attention_mean_params_s8 *m, const int32_t *sums, int32_t n, int8_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        const int32_t mean = ecg_rescale(sums[i], m->multiplier, m->shift);
        out[i] = narrow(mean, m->narrow_multiplier, m->narrow_shift, m->zero_out);
    }
}
