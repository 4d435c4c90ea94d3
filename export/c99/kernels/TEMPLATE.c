/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_TEMPLATE_sN.h"

#include "ecg_fixed.h"

void ecg_TEMPLATE_sN(const struct ecg_TEMPLATE_params_sN *p, const ecg_value *in, int32_t n, ecg_value *out)
{
    for (int32_t i = 0; i < n; ++i) {
        const int32_t x = in[i] - p->zero_in;
        const int32_t y = x; /* the operator's arithmetic */
        const int32_t value = ecg_rescale(y, p->multiplier, p->shift) + p->zero_out;
        out[i] = (ecg_value)ecg_clamp(value, ECG_VALUE_MIN, ECG_VALUE_MAX);
    }
}
