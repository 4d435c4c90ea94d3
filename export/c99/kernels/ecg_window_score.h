/* SPDX-License-Identifier: Apache-2.0 */
/* How far a window is from what a model expects: its score, and the threshold above which it is abnormal, both with 20
   fractional bits. */
#ifndef ECG_WINDOW_SCORE_H
#define ECG_WINDOW_SCORE_H

#include <stdint.h>

#define ECG_SCORE_MEMORY 60 /* windows that the threshold comes from */

/* A number is (integer - zero_point) * multiplier. */
struct ecg_value_scale {
    int32_t zero_point;
    int32_t multiplier;
};

struct ecg_window_score {
    int32_t samples;
    int32_t leads;
    struct ecg_value_scale signal;
    struct ecg_value_scale reconstruction;
    struct ecg_value_scale lead_weight; /* of the attention, relative to uniform attention */
    struct ecg_value_scale sequence_weight;
    struct ecg_value_scale latent_mean;
    int32_t shift;              /* bits that a squared error has beyond 20 */
    int32_t latent_shift;       /* the same of a squared mean */
    int32_t latent_count;       /* values of the latent space; 0: none */
    int32_t log_variance_shift; /* bits of a log-variance that the table leaves out */
    const int32_t *table;       /* exp(v) - 1 - v of a log-variance, from the least integer on */
    int32_t threshold;          /* of the model's file */
};

/* The last scores; all zero at the beginning of a recording. */
struct ecg_score_history {
    int32_t scores[ECG_SCORE_MEMORY];
    int32_t count;
    int32_t next; /* the place of the next score */
};

#endif
