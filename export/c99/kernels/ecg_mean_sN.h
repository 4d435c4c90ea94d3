/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_MEAN_SN_H
#define ECG_MEAN_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Means over up to two axes of a tensor. */
struct ecg_mean_params_sN {
    int32_t sizes[3]; /* of the axes of the output, each > 0 */
    int32_t steps[3]; /* values of the input from one index of these axes to the next */
    int32_t over_sizes[2]; /* of the axes that are averaged, each > 0 */
    int32_t over_steps[2]; /* values of the input from one index of these axes to the next */
    int32_t count; /* values of each mean, > 0; their sum fits into 32 bits */
    int32_t zero_in; /* zero point of the input, in the range of a value */
    int32_t zero_out; /* zero point of the output, in the range of a value */
    int32_t multiplier; /* a sum is a mean after * multiplier / 2^31 * 2^shift, by which it is divided by count, too */
    int32_t shift; /* from -31 to 30 */
};

/* in: the whole tensor. out: sizes[0] x sizes[1] x sizes[2]. */
void ecg_mean_sN(const struct ecg_mean_params_sN *m, const ecg_value *in, ecg_value *out);

/* Global average pooling, row by row: sums[i] += row[i], n values. */
void ecg_mean_add_sN(const ecg_value *row, int32_t n, int32_t *sums);

/* Global average pooling, at the end: n means of the sums of `count` rows. The loops of m are not used. */
void ecg_mean_of_sums_sN(const struct ecg_mean_params_sN *m, const int32_t *sums, int32_t n, ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
