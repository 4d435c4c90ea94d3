#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* start.c: cycles of the core since reset; in QEMU, which knows none, a fixed share of its instructions. `counter`
   names what counts. */
uint64_t ticks(void);
const char *counter(void);

/* The channel, semihosting.c or a UART. `take` fetches the next bytes of windows from the host, 0 where there are no
   more. */
void say(const char *text);
int take(void *bytes, uint32_t count);
void leave(int status) __attribute__((noreturn));

#endif
