/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_COPY_SN_H
#define ECG_COPY_SN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values moved unchanged, by five nested loops: transposed, reversed, sliced, padded or joined. */
struct ecg_copy_params_sN {
    int32_t sizes[5]; /* of the loops, each > 0 */
    int32_t steps_in[5]; /* values of the input from one turn of each loop to the next; negative from the end */
    int32_t steps_out[5]; /* values of the output */
    int32_t start_in; /* the first value of the input, >= 0 */
    int32_t start_out; /* the first value of the output, >= 0 */
};

/* in, out: as the steps walk them; they do not overlap. */
void ecg_copy_sN(const struct ecg_copy_params_sN *c, const ecg_value *in, ecg_value *out);

#ifdef __cplusplus
}
#endif

#endif
