/* Ticks of each step of the model, from where it begins to where the next one does. */
#include <string.h>

#include "board.h"
#include "tell.h"

#define STEPS 4096 /* ecg_mamba at paper size, over a whole window, has a thousand */

static struct {
    const char *name;
    uint64_t ticks, calls;
} steps[STEPS];
static int current;
static uint64_t since;

void profile(const char *step)
{
    steps[current].ticks += ticks() - since;
    if (current + 1 < STEPS && steps[current + 1].name == step) { /* they mostly come in the same order */
        ++current;
    } else {
        for (current = 0; current + 1 < STEPS && steps[current].name && strcmp(steps[current].name, step); ++current) {
        }
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
    for (int i = 0; i < STEPS && steps[i].name; ++i) {
        say("step ");
        say(steps[i].name);
        tell("", steps[i].calls);
        say("ticks ");
        say(steps[i].name);
        tell("", steps[i].ticks);
    }
}
