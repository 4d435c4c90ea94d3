#include "ecg_copy.h"

static void copy(const struct ecg_copy *c, int32_t axis, const ecg_value *in, ecg_value *out)
{
    for (int32_t i = 0; i < c->sizes[axis]; ++i, in += c->from_steps[axis], out += c->to_steps[axis]) {
        if (axis == 4) {
            *out = *in;
        } else {
            copy(c, axis + 1, in, out);
        }
    }
}

void ecg_copy(const struct ecg_copy *c, const ecg_value *in, ecg_value *out)
{
    copy(c, 0, in + c->from, out + c->to);
}
