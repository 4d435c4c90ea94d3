/* SPDX-License-Identifier: Apache-2.0 */
#include "ecg_copy_sN.h"

/* The two innermost loops. */
static void copy_rows(const struct ecg_copy_params_sN *c, const ecg_value *in, ecg_value *out)
{
    for (int32_t l = 0; l < c->sizes[3]; ++l) {
        const ecg_value *from = in + (l * c->steps_in[3]);
        ecg_value *to = out + (l * c->steps_out[3]);
        for (int32_t m = 0; m < c->sizes[4]; ++m) {
            *to = *from;
            from += c->steps_in[4];
            to += c->steps_out[4];
        }
    }
}

void ecg_copy_sN(const struct ecg_copy_params_sN *c, const ecg_value *in, ecg_value *out)
{
    for (int32_t i = 0; i < c->sizes[0]; ++i) {
        for (int32_t j = 0; j < c->sizes[1]; ++j) {
            for (int32_t k = 0; k < c->sizes[2]; ++k) {
                const int32_t from = (i * c->steps_in[0]) + (j * c->steps_in[1]) + (k * c->steps_in[2]);
                const int32_t to = (i * c->steps_out[0]) + (j * c->steps_out[1]) + (k * c->steps_out[2]);
                copy_rows(c, in + (c->start_in + from), out + (c->start_out + to));
            }
        }
    }
}
