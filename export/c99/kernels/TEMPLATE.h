/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_TEMPLATE_SN_H
#define ECG_TEMPLATE_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Say what the operator computes. Document every field: its dimensions, its unit or scale, its range. */
struct ecg_TEMPLATE_params_sN {
    int32_t zero_in; /* zero point of the input, in the range of a value */
    int32_t zero_out; /* zero point of the output, in the range of a value */
    int32_t multiplier; /* of the input's scale to the output's, see ecg_rescale */
    int32_t shift; /* of the multiplier, from -31 to 30 */
};

/* in: n values. out: n values; it may be in. */
void ecg_TEMPLATE_sN(const struct ecg_TEMPLATE_params_sN *p, const ecg_value *in, int32_t n, ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
