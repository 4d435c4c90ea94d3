/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_slopes_s16.h"

#include "ecg_fixed.h"

void ecg_slopes_s16(const struct ecg_slopes_params_s16 *s, const int16_t *in, int32_t n, int16_t *out)
{
    for (int32_t i = 0; i < n; ++i) {
        const int32_t x = in[i];
        const int32_t y = (x < 0) ? ecg_rescale(x, s->multiplier_below, s->shift_below)
                                  : ecg_rescale(x, s->multiplier_above, s->shift_above);
        out[i] = (int16_t)ecg_clamp(y, s->low, s->high);
    }
}
