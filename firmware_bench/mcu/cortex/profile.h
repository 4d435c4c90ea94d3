/* SPDX-License-Identifier: Apache-2.0 */
/* Included before every file of a profiled build: each step of the model reports its name when it begins. */
#ifndef ECG_BENCH_PROFILE_H
#define ECG_BENCH_PROFILE_H

#define ECG_PROFILE(step) ecg_bench_profile(#step)

/* profile.c: ends the step that is running, and begins the step of that name. */
void ecg_bench_profile(const char *step);

/* profile.c: prints the calls and the ticks of every step. */
void ecg_bench_print_profile(void);

#endif
