/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_ATTENTION_S8_H
#define ECG_ATTENTION_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The scores of one query: its products with the keys. */
struct ecg_attention_scores_params_s8 {
    int32_t depth; /* values of a query, > 0 */
    int32_t columns; /* keys, > 0 */
    int32_t depth_step; /* values from one value of a key to the next */
    int32_t column_step; /* values from one key to the next */
    int32_t zero_a; /* zero point of the query, from -128 to 127 */
    int32_t zero_b; /* zero point of the keys, from -128 to 127 */
    int32_t zero_out; /* zero point of the scores, from -128 to 127 */
    int32_t multiplier; /* a sum is a score after ecg_rescale */
    int32_t shift; /* from -31 to 30 */
};

/* The softmax of a row of scores, and its product with the values, a matrix keys x columns: in 16 bits, in which it is
   a sum * multiplier / 2^shift, and then in 8, after ecg_rescale by narrow_multiplier and narrow_shift. */
struct ecg_attention_params_s8 {
    const int16_t *exponentials; /* 256: exp(-d * scale of the scores), 15 fractional bits */
    const int16_t *reciprocals; /* 513: 1 / (1 + i / 512), 15 fractional bits */
    int32_t keys; /* > 0 */
    int32_t columns; /* values of a row of the output, > 0 */
    int32_t key_step; /* values from one key of the matrix to the next */
    int32_t column_step; /* values from one column to the next */
    int32_t zero_value; /* zero point of the matrix, from -128 to 127 */
    int32_t multiplier; /* > 0 */
    int32_t shift; /* from 1 to 62 */
    int32_t narrow_multiplier; /* of 16 bits to 8 */
    int32_t narrow_shift; /* from -31 to 30 */
    int32_t zero_out; /* zero point of the output, from -128 to 127 */
};

/* The mean of the softmax over all queries, from sums, in 16 bits and then in 8. */
struct ecg_attention_mean_params_s8 {
    int32_t multiplier; /* a sum is a mean after ecg_rescale, by which it is divided by the number of queries, too */
    int32_t shift; /* from -31 to 30 */
    int32_t narrow_multiplier; /* of 16 bits to 8 */
    int32_t narrow_shift; /* from -31 to 30 */
    int32_t zero_out; /* zero point of the output, from -128 to 127 */
};

/* query: depth. keys: depth x columns, as the steps walk them. row: columns, the scores. */
void ecg_attention_scores_s8(const struct ecg_attention_scores_params_s8 *s, const int8_t *query, const int8_t *keys,
                             int8_t *row);

/* row: keys, the scores. weights: keys, their softmax, 15 fractional bits. */
void ecg_attention_weights_s8(const struct ecg_attention_params_s8 *a, const int8_t *row, int16_t *weights);

/* weights: keys. values: keys x columns, as the steps walk them. out: columns. */
void ecg_attention_product_s8(const struct ecg_attention_params_s8 *a, const int16_t *weights, const int8_t *values,
                              int8_t *out);

/* sums[i] += weights[i], n values. */
void ecg_attention_add_s8(const int16_t *weights, int32_t n, int32_t *sums);

/* sums, out: n values. */
void ecg_attention_mean_s8(const struct ecg_attention_mean_params_s8 *m, const int32_t *sums, int32_t n, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
