/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ECG_LSTM_S8_H
#define ECG_LSTM_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One direction of an LSTM. Rows of weights are in the order in which they are used: for every unit its input, forget,
   cell and output gate. */
struct ecg_lstm_params_s8 {
    const int8_t *weights; /* units x 4 x inputs, each from -127 to 127 */
    const int8_t *recurrent; /* units x 4 x units, each from -127 to 127 */
    const int32_t *bias; /* units x 4 */
    int32_t multipliers[4]; /* of the gates: a sum over the inputs is 12 fractional bits after ecg_rescale */
    int32_t shifts[4]; /* from -31 to 30 */
    int32_t recurrent_multipliers[4]; /* the same of a sum over the last output */
    int32_t recurrent_shifts[4]; /* from -31 to 30 */
    int32_t inputs; /* values of a row of the input, > 0 */
    int32_t units; /* values of a row of the output, > 0 */
    int32_t cell_bits; /* integer bits of the cell state, from 0 to 9 */
    int32_t cell_clip; /* the largest that the cell state may become, from 1 to 32768 */
    int32_t multiplier; /* the output gate times tanh of the cell state is a value after ecg_rescale */
    int32_t shift; /* from -31 to 30 */
    int32_t zero_out; /* zero point of the output, from -128 to 127 */
};

/* Set the state before the first step. hidden: units, the last output less its zero point. cell: units. */
void ecg_lstm_start_s8(const struct ecg_lstm_params_s8 *l, int16_t *hidden, int16_t *cell);

/* Make one step. x: inputs, less their zero point. hidden, cell: units, the state, which becomes the next one. out:
   units. */
void ecg_lstm_step_s8(const struct ecg_lstm_params_s8 *l, const int16_t *x, int16_t *hidden, int16_t *cell, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
