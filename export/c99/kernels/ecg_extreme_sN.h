/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_EXTREME_SN_H
#define ECG_EXTREME_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The highest or lowest value over some axes. */
struct ecg_extreme_params_sN {
    int32_t sizes[3]; /* of the loops over the output, each > 0 */
    int32_t steps[3]; /* values of the input from one turn of each loop to the next */
    int32_t over_sizes[2]; /* of the loops over what is compared, each > 0 */
    int32_t over_steps[2]; /* the same for these */
};

/* in: as the loops walk it. out: the product of the sizes. */
void ecg_highest_sN(const struct ecg_extreme_params_sN *p, const ecg_value *in, ecg_value *out);
void ecg_lowest_sN(const struct ecg_extreme_params_sN *p, const ecg_value *in, ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
