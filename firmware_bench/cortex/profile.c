/* Ticks of each step of the model, from where it begins to where the next one does. */
#include <string.h>

#include "board.h"
#include "tell.h"

#define STEPS 512

static struct {
    const char *name;
    uint64_t ticks, calls;
} steps[STEPS];
static int current;
static uint64_t since;

void profile(const char *step)
{
    steps[current].ticks += ticks() - since;
    for (current = 0; steps[current].name && strcmp(steps[current].name, step); ++current) {
    }
    steps[current].name = step;
    steps[current].calls++;
    since = ticks();
}

void tell_profile(void)
{
    for (int i = 0; i < 100; ++i) { /* what a call of `profile` itself adds to a step */
        ECG_PROFILE(empty);
    }
    ECG_PROFILE(end);
    for (int i = 0; steps[i].name; ++i) {
        say("step ");
        say(steps[i].name);
        tell("", steps[i].calls);
        say("ticks ");
        say(steps[i].name);
        tell("", steps[i].ticks);
    }
}
