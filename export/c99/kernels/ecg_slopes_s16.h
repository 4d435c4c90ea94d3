/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_SLOPES_S16_H
#define ECG_SLOPES_S16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Two lines that meet at zero: rectifiers, leaky or not, and changes of scale. */
struct ecg_slopes_params_s16 {
    int32_t multiplier_below; /* a negative value after * multiplier / 2^31 * 2^shift; 0 to 2^31 - 1 */
    int32_t shift_below; /* from -31 to 15 */
    int32_t multiplier_above; /* the same of others */
    int32_t shift_above;
    int32_t low; /* the lowest value of the output, from -32768 */
    int32_t high; /* the highest, to 32767 */
};

/* in: n values. out: n values; it may be in. */
void ecg_slopes_s16(const struct ecg_slopes_params_s16 *s, const int16_t *in, int32_t n, int16_t *out);

#ifdef __cplusplus
}
#endif

#endif
