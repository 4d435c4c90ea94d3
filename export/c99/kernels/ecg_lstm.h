#ifndef ECG_LSTM_H
#define ECG_LSTM_H

#include <stdint.h>

/* One direction of an LSTM. Rows of weights stand as they are used: for every unit its input, forget, cell and output
   gate. */
struct ecg_lstm {
    const int8_t *weights;   /* units x 4 x inputs */
    const int8_t *recurrent; /* units x 4 x units */
    const int32_t *bias;     /* units x 4 */
    int32_t multipliers[4], shifts[4];
    int32_t recurrent_multipliers[4], recurrent_shifts[4];
    int32_t inputs, units;
    int32_t cell_bits, cell_clip; /* integer bits of the cell state, and the largest it may become */
    int32_t multiplier, shift, zero_out;
};

/* Sets hidden (units, widened) and cell (units) to what they are before the first step. */
void ecg_lstm_start(const struct ecg_lstm *l, int16_t *hidden, int16_t *cell);

/* One step: x (inputs, widened) and the state give the output, units values, and the next state. */
void ecg_lstm_step(const struct ecg_lstm *l, const int16_t *x, int16_t *hidden, int16_t *cell, int8_t *out);

#endif
