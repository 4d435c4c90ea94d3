#ifndef TELL_H
#define TELL_H

#include <stdint.h>

/* main.c: a line of a word and a number. */
void tell(const char *what, uint64_t number);

#endif
