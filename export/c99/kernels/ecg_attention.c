/* The softmax is that of LiteRT's reference kernel for 16 bits, which looks its functions up in tables. */
#include "ecg_attention.h"

#include "ecg_fixed.h"

/* x in 16 bits, narrowed to 8 */
static int8_t narrowed(int32_t x, int32_t multiplier, int32_t shift, int32_t zero)
{
    int32_t value = ecg_rescale(ecg_clamp(x, INT16_MIN, INT16_MAX), multiplier, shift) + zero;
    return (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
}

void ecg_attention_scores(const struct ecg_attention_scores *s, const int8_t *query, const int8_t *keys, int8_t *row)
{
    for (int32_t column = 0; column < s->columns; ++column) {
        const int8_t *key = keys + column * s->column_step;
        int32_t sum = 0;
        for (int32_t k = 0; k < s->depth; ++k) {
            sum += (query[k] - s->zero_a) * (key[k * s->depth_step] - s->zero_b);
        }
        int32_t value = ecg_rescale(sum, s->multiplier, s->shift) + s->zero_out;
        row[column] = (int8_t)ecg_clamp(value, INT8_MIN, INT8_MAX);
    }
}

/* 1 / sum in 15 fractional bits, times a power of two: the sum, itself of 15, lies between 2^(bits - 1) and 2^bits. */
static int32_t reciprocal(const int16_t *points, int32_t sum, int32_t *bits)
{
    for (*bits = 0; sum >> *bits; ++*bits) {
    }
    /* How far the sum lies beyond that power of two, in 1 / 2^16 of it. */
    int32_t x = (int32_t)((((int64_t)sum << (31 - *bits)) + (1 << 13)) >> 14);
    x = ecg_clamp(x - (1 << 16), 0, UINT16_MAX);
    int32_t from = points[x >> 7], to = points[(x >> 7) + 1];
    return from + (((to - from) * (x & 127) + 64) >> 7);
}

void ecg_attention_weights(const struct ecg_attention *a, const int8_t *row, int16_t *weights)
{
    int32_t most = INT8_MIN, sum = 0, bits;
    for (int32_t i = 0; i < a->keys; ++i) {
        most = row[i] > most ? row[i] : most;
    }
    for (int32_t i = 0; i < a->keys; ++i) {
        weights[i] = a->exponentials[most - row[i]];
        sum += weights[i];
    }
    int32_t scale = reciprocal(a->reciprocals, sum, &bits), shift = bits - 1;
    for (int32_t i = 0; i < a->keys; ++i) {
        int32_t weight = (weights[i] * scale + (1 << (shift - 1))) >> shift;
        weights[i] = (int16_t)ecg_clamp(weight, 0, INT16_MAX);
    }
}

void ecg_attention_product(const struct ecg_attention *a, const int16_t *weights, const int8_t *values, int8_t *out)
{
    for (int32_t column = 0; column < a->columns; ++column) {
        const int8_t *value = values + column * a->column_step;
        int32_t sum = 0;
        for (int32_t i = 0; i < a->keys; ++i) {
            sum += weights[i] * (value[i * a->key_step] - a->zero_value);
        }
        int64_t scaled = (int64_t)sum * a->multiplier + ((int64_t)1 << (a->shift - 1));
        out[column] = narrowed((int32_t)(scaled >> a->shift), a->narrower, a->narrower_shift, a->zero_out);
    }
}

void ecg_attention_add(const int16_t *weights, int32_t n, int32_t *sums)
{
    for (int32_t i = 0; i < n; ++i) {
        sums[i] += weights[i];
    }
}

void ecg_attention_mean(const struct ecg_attention_mean *m, const int32_t *sums, int32_t n, int8_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = narrowed(ecg_rescale(sums[i], m->multiplier, m->shift), m->narrower, m->narrower_shift, m->zero_out);
    }
}
