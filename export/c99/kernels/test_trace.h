/* SPDX-License-Identifier: Apache-2.0 */
/* Included before the model's source in its test: every step hands over the rows that it has made. */
#ifndef ECG_TEST_TRACE_H
#define ECG_TEST_TRACE_H

#include <stdint.h>

#define ECG_TRACE(step, first, rows, width, stride, values) ecg_trace(step, first, rows, width, stride, values)

/* test.c: adds rows of a step's output to its digest; row r is at values + r * stride and is the output's row
   first + r. */
void ecg_trace(int32_t step, int32_t first, int32_t rows, int32_t width, int32_t stride, const ecg_value *values);

#endif
