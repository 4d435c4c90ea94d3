#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Clock ticks since reset: cycles on a board; in QEMU a fixed number of instructions each. */
uint64_t ticks(void);

void say(const char *text);
void leave(int status) __attribute__((noreturn));

#endif
