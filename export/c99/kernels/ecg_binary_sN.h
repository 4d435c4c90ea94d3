/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_BINARY_SN_H
#define ECG_BINARY_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An element-wise operator on two operands, which are walked by four nested loops over the output. */
struct ecg_binary_params_sN {
    int32_t sizes[4]; /* of the loops, each > 0 */
    int32_t steps_a[4]; /* values of a from one turn of each loop to the next; 0 repeats it */
    int32_t steps_b[4]; /* the same for b */
    int32_t zero_a; /* zero point of a, in the range of a value */
    int32_t zero_b; /* zero point of b */
    int32_t zero_out; /* zero point of the output */
    int32_t multiplier_a; /* of sums: brings a to the scale of both, see ecg_rescale */
    int32_t multiplier_b; /* the same for b; negative where b is subtracted */
    int32_t multiplier_out; /* brings the result to the output's scale */
    int32_t shift_a; /* of multiplier_a, from -31 to 0 */
    int32_t shift_b; /* of multiplier_b, from -31 to 0 */
    int32_t shift_out; /* of multiplier_out, from -31 to 30 */
    int32_t low; /* the lowest value of the output */
    int32_t high; /* the highest */
};

/* out = a + b, or a - b. a, b: as the steps walk them. out: the product of the sizes; it may be a or b where the steps
   walk that in the order of the output. */
void ecg_add_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out);

/* out = a * b. */
void ecg_multiply_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out);

/* out = the larger of a and b, all of one scale. */
void ecg_maximum_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out);

/* out = the smaller of a and b, all of one scale. */
void ecg_minimum_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out);
#if ECG_VALUE_BITS == 8

/* out = (a - b)^2; multiplier_a and multiplier_b as of sums. */
void ecg_squared_difference_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b,
                               ecg_value *out);

/* out = a where that is not negative, scaled by multiplier_a and shift_a, from -31 to 30; else a * b. */
void ecg_prelu_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out);
#endif
#if ECG_VALUE_BITS == 16

/* The same where scales differ by powers of two: a sum is a * multiplier_a + b * multiplier_b, both multipliers less
   than 2^15, and the rest are shifts; shift_out from -31 to 0. */
void ecg_add_by_powers_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b, ecg_value *out);
void ecg_multiply_by_powers_sN(const struct ecg_binary_params_sN *p, const ecg_value *a, const ecg_value *b,
                               ecg_value *out);
#endif

#ifdef __cplusplus
}
#endif

#endif
