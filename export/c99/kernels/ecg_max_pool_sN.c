/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_max_pool_sN.h"

#include "ecg_fixed.h"

void ecg_max_pool_sN(const struct ecg_max_pool_params_sN *p, const ecg_value *in, int32_t capacity, int32_t t,
                     ecg_value *out)
{
    const int32_t start = (t * p->stride) - p->pad;
    const int32_t from = (start < 0) ? 0 : start;
    const int32_t to = ((start + p->kernel) > p->rows) ? p->rows : (start + p->kernel);
    for (int32_t i = 0; i < p->width; ++i) {
        int32_t most = ECG_VALUE_MIN;
        for (int32_t r = from; r < to; ++r) {
            most = ecg_larger(most, in[((r % capacity) * p->width) + i]);
        }
        out[i] = (ecg_value)ecg_clamp(most, p->low, p->high);
    }
}
