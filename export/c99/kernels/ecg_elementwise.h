#ifndef ECG_ELEMENTWISE_H
#define ECG_ELEMENTWISE_H

#include "ecg_value.h"

/* Two operands and how they are walked: four nested loops over the output, 0 for a step that repeats an operand. */
struct ecg_binary {
    int32_t sizes[4], steps_a[4], steps_b[4];
    int32_t zero_a, zero_b, zero_out;
    int32_t multiplier_a, multiplier_b, multiplier_out; /* a and b: of sums alone; negative where b is subtracted */
    int32_t shift_a, shift_b, shift_out;
    int32_t low, high;
};

void ecg_add(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out);
void ecg_multiply(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out);
void ecg_maximum(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out);

#if ECG_VALUE_BITS == 16

/* The same where scales differ by powers of two: a sum is a * multiplier_a + b * multiplier_b, both less than 2^15, and
   the rest are shifts. */
void ecg_add_by_powers(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out);
void ecg_multiply_by_powers(const struct ecg_binary *p, const ecg_value *a, const ecg_value *b, ecg_value *out);

#endif

/* Any function of one value of 8 bits: table[0] is that of -128. in and out may be the same. */
void ecg_table(const int8_t *table, const int8_t *in, int32_t n, int8_t *out);

#endif
