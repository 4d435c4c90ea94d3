#ifndef ECG_MEAN_H
#define ECG_MEAN_H

#include "ecg_value.h"

/* Means over up to two axes of a tensor that is walked by its steps; `count` values each. */
struct ecg_mean {
    int32_t sizes[3], steps[3];           /* of the output */
    int32_t over_sizes[2], over_steps[2]; /* of what is averaged */
    int32_t count, zero_in, zero_out, multiplier, shift;
};

void ecg_mean(const struct ecg_mean *m, const ecg_value *in, ecg_value *out);

/* A mean over time whose rows come one after another: sums[i] += row[i], and at the end n means of them. */
void ecg_mean_add(const ecg_value *row, int32_t n, int32_t *sums);
void ecg_mean_of_sums(const struct ecg_mean *m, const int32_t *sums, int32_t n, ecg_value *out);

#endif
