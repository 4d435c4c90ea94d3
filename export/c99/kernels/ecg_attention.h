#ifndef ECG_ATTENTION_H
#define ECG_ATTENTION_H

#include <stdint.h>

/* Products of a query of `depth` values with the keys, `columns` of them, a matrix that is walked by its steps. */
struct ecg_attention_scores {
    int32_t depth, columns, depth_step, column_step;
    int32_t zero_a, zero_b, zero_out, multiplier, shift;
};

/* The softmax of a row of scores, and its product with the values, a matrix keys x columns that is walked by its
   steps: in 16 bits, in which it is a sum * multiplier / 2^shift, and then in 8, * narrower / 2^31 * 2^narrower_shift.

   exponentials[d] is exp(-d * scale of the scores) in 15 fractional bits, reciprocals[i] is 1 / (1 + i / 512). */
struct ecg_attention {
    const int16_t *exponentials, *reciprocals;
    int32_t keys, columns, key_step, column_step;
    int32_t zero_value, multiplier, shift, narrower, narrower_shift, zero_out;
};

/* Means of sums, in 16 bits and then in 8. */
struct ecg_attention_mean {
    int32_t multiplier, shift, narrower, narrower_shift, zero_out;
};

void ecg_attention_scores(const struct ecg_attention_scores *s, const int8_t *query, const int8_t *keys, int8_t *row);

/* weights: 15 fractional bits. */
void ecg_attention_weights(const struct ecg_attention *a, const int8_t *row, int16_t *weights);

void ecg_attention_product(const struct ecg_attention *a, const int16_t *weights, const int8_t *values, int8_t *out);

/* sums[i] += weights[i], and at the end n means of them. */
void ecg_attention_add(const int16_t *weights, int32_t n, int32_t *sums);
void ecg_attention_mean(const struct ecg_attention_mean *m, const int32_t *sums, int32_t n, int8_t *out);

#endif
