#include "ecg_mean.h"

#include "ecg_fixed.h"

static ecg_value quotient(const struct ecg_mean *m, int32_t sum)
{
    int32_t value = ecg_rescale(sum - m->zero_in * m->count, m->multiplier, m->shift) + m->zero_out;
    return (ecg_value)ecg_clamp(value, ECG_VALUE_MIN, ECG_VALUE_MAX);
}

static int32_t total(const struct ecg_mean *m, const ecg_value *in)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < m->over_sizes[0]; ++i) {
        for (int32_t j = 0; j < m->over_sizes[1]; ++j) {
            sum += in[i * m->over_steps[0] + j * m->over_steps[1]];
        }
    }
    return sum;
}

void ecg_mean(const struct ecg_mean *m, const ecg_value *in, ecg_value *out)
{
    for (int32_t i = 0; i < m->sizes[0]; ++i) {
        for (int32_t j = 0; j < m->sizes[1]; ++j) {
            for (int32_t k = 0; k < m->sizes[2]; ++k) {
                *out++ = quotient(m, total(m, in + i * m->steps[0] + j * m->steps[1] + k * m->steps[2]));
            }
        }
    }
}

void ecg_mean_add(const ecg_value *row, int32_t n, int32_t *sums)
{
    for (int32_t i = 0; i < n; ++i) {
        sums[i] += row[i];
    }
}

void ecg_mean_of_sums(const struct ecg_mean *m, const int32_t *sums, int32_t n, ecg_value *out)
{
    for (int32_t i = 0; i < n; ++i) {
        out[i] = quotient(m, sums[i]);
    }
}
