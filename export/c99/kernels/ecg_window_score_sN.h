/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the score of a window. */
#ifndef ECG_WINDOW_SCORE_SN_H
#define ECG_WINDOW_SCORE_SN_H

#include <stdint.h>
#include <string.h>

#include "ecg_fixed.h"
#include "ecg_window_score.h"

#define ECG_SCORE_BITS 20
#define ECG_SCORE_WARM_UP 10  /* windows before the threshold runs */
#define ECG_SCORE_DEVIATIONS 6 /* median absolute deviations above the median */

static inline int64_t ecg_limit_score(int64_t x)
{
    return (x > INT32_MAX) ? INT32_MAX : x;
}

static inline int32_t ecg_scale_value(const struct ecg_value_scale *scale, int32_t x)
{
    return (x - scale->zero_point) * scale->multiplier;
}

static inline int64_t ecg_square_value(int64_t x, int32_t shift)
{
    return ecg_limit_score(ecg_asr64(x * x, shift));
}

/* x * weight / 2^20; weights are not below 0. */
static inline int64_t ecg_weigh(int64_t x, const struct ecg_value_scale *scale, int32_t weight)
{
    return ecg_asr64(x * ecg_larger(ecg_scale_value(scale, weight), 0), ECG_SCORE_BITS);
}

/* The score of a window and its reconstruction. Without attention `lead_weights` and `sequence_weights` are null,
   without a latent space `means` and `log_variances`. */
static inline int32_t ecg_score_window_sN(
    const struct ecg_window_score *plan, const ecg_value *window, const ecg_value *reconstruction,
    const ecg_value *lead_weights, const ecg_value *sequence_weights, const ecg_value *means,
    const ecg_value *log_variances)
{
    int64_t total = 0;
    int64_t nats = 0;
    int64_t score;
    for (int32_t n = 0; n < plan->samples; ++n) {
        int64_t row = 0;
        for (int32_t lead = 0; lead < plan->leads; ++lead) {
            const int32_t i = (n * plan->leads) + lead;
            const int32_t error = ecg_scale_value(&plan->signal, window[i]) -
                ecg_scale_value(&plan->reconstruction, reconstruction[i]);
            const int64_t square = ecg_square_value(error, plan->shift);
            row += (lead_weights != NULL) ? ecg_weigh(square, &plan->lead_weight, lead_weights[i]) : square;
        }
        total += (sequence_weights != NULL)
            ? ecg_weigh(ecg_limit_score(row), &plan->sequence_weight, sequence_weights[n]) : row;
    }
    score = total / ((int64_t)plan->samples * plan->leads);
    if ((means != NULL) && (log_variances != NULL)) {
        for (int32_t i = 0; i < plan->latent_count; ++i) {
            nats += ecg_square_value(ecg_scale_value(&plan->latent_mean, means[i]), plan->latent_shift);
            nats += plan->table[ecg_asr((int32_t)log_variances[i] - ECG_VALUE_MIN, plan->log_variance_shift)];
        }
        score += nats / (2 * (int64_t)plan->latent_count);
    }
    return (int32_t)ecg_limit_score(score);
}

/* The middle of n values, the upper one of two; they are put in order. */
static inline int64_t ecg_upper_median(int64_t *values, int32_t n)
{
    for (int32_t i = 1; i < n; ++i) {
        const int64_t value = values[i];
        int32_t place = i;
        while ((place > 0) && (values[place - 1] > value)) {
            values[place] = values[place - 1];
            place--;
        }
        values[place] = value;
    }
    return values[n / 2];
}

/* The threshold of a window with this score, which follows from the windows before it. */
static inline int32_t ecg_judge_score(
    const struct ecg_window_score *plan, struct ecg_score_history *history, int32_t score)
{
    int64_t threshold = plan->threshold;
    if (history->count >= ECG_SCORE_WARM_UP) {
        int64_t values[ECG_SCORE_MEMORY];
        int64_t median;
        for (int32_t i = 0; i < history->count; ++i) {
            values[i] = history->scores[i];
        }
        median = ecg_upper_median(values, history->count);
        for (int32_t i = 0; i < history->count; ++i) {
            values[i] = (values[i] > median) ? (values[i] - median) : (median - values[i]);
        }
        threshold = median + (ECG_SCORE_DEVIATIONS * ecg_upper_median(values, history->count));
        threshold = (threshold < (plan->threshold / 2)) ? (plan->threshold / 2) : threshold;
        threshold = (threshold > (2 * (int64_t)plan->threshold)) ? (2 * (int64_t)plan->threshold) : threshold;
    }
    history->scores[history->next] = score;
    history->next = (history->next + 1) % ECG_SCORE_MEMORY;
    history->count += (history->count < ECG_SCORE_MEMORY) ? 1 : 0;
    return (int32_t)threshold;
}

#endif
