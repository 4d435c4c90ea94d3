/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_extreme_sN.h"

#include "ecg_fixed.h"

/* The highest of sign * value, sign 1 or -1. */
static int32_t compare(const struct ecg_extreme_params_sN *p, const ecg_value *in, int32_t sign)
{
    int32_t most = sign * in[0];
    for (int32_t l = 0; l < p->over_sizes[0]; ++l) {
        for (int32_t m = 0; m < p->over_sizes[1]; ++m) {
            most = ecg_larger(most, sign * in[(l * p->over_steps[0]) + (m * p->over_steps[1])]);
        }
    }
    return sign * most;
}

static void walk(const struct ecg_extreme_params_sN *p, const ecg_value *in, int32_t sign, ecg_value *out)
{
    ecg_value *to = out;
    for (int32_t i = 0; i < p->sizes[0]; ++i) {
        for (int32_t j = 0; j < p->sizes[1]; ++j) {
            for (int32_t k = 0; k < p->sizes[2]; ++k) {
                const int32_t from = (i * p->steps[0]) + (j * p->steps[1]) + (k * p->steps[2]);
                *to = (ecg_value)compare(p, in + from, sign);
                ++to;
            }
        }
    }
}

void ecg_highest_sN(const struct ecg_extreme_params_sN *p, const ecg_value *in, ecg_value *out)
{
    walk(p, in, 1, out);
}

void ecg_lowest_sN(const struct ecg_extreme_params_sN *p, const ecg_value *in, ecg_value *out)
{
    walk(p, in, -1, out);
}
