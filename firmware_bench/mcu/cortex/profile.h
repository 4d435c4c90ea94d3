/* Included before every file of a profiled build: each step of the model tells its name when it begins. */
#define ECG_PROFILE(step) profile(#step)

void profile(const char *step);
void tell_profile(void);
