/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_mean_sN.h"

#include "ecg_fixed.h"

static ecg_value divide(const struct ecg_mean_params_sN *m, int32_t sum)
{
    const int32_t value = ecg_rescale(sum - (m->zero_in * m->count), m->multiplier, m->shift) + m->zero_out;
    return (ecg_value)ecg_clamp(value, ECG_VALUE_MIN, ECG_VALUE_MAX);
}

static int32_t sum_up(const struct ecg_mean_params_sN *m, const ecg_value *in)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < m->over_sizes[0]; ++i) {
        for (int32_t j = 0; j < m->over_sizes[1]; ++j) {
            sum += in[(i * m->over_steps[0]) + (j * m->over_steps[1])];
        }
    }
    return sum;
}

void ecg_mean_sN(const struct ecg_mean_params_sN *m, const ecg_value *in, ecg_value *out)
{
    ecg_value *to = out;
    for (int32_t i = 0; i < m->sizes[0]; ++i) {
        for (int32_t j = 0; j < m->sizes[1]; ++j) {
            for (int32_t k = 0; k < m->sizes[2]; ++k) {
                *to = divide(m, sum_up(m, in + ((i * m->steps[0]) + (j * m->steps[1]) + (k * m->steps[2]))));
                ++to;
            }
        }
    }
}

void ecg_mean_add_sN(const ecg_value *row, int32_t n, int32_t *sums)
{
    for (int32_t i = 0; i < n; ++i) {
        sums[i] += row[i];
    }
}

void ecg_mean_of_sums_sN(const struct ecg_mean_params_sN *m, const int32_t *sums, int32_t n, ecg_value *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = divide(m, sums[i]);
    }
}
