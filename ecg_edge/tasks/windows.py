"""Examples of tasks that label whole recordings: windows one after the other."""

from collections.abc import Iterable

import numpy as np

from ecg_edge.signals.windows import window_starts
from ecg_edge.tasks.examples import Examples, Form
from ecg_edge.tasks.recordings import Recordings


def consecutive(recordings: Recordings, names: Iterable[str], form: Form, targets: np.ndarray) -> Examples:
    """The windows of the recordings called `names`. targets: (all recordings, …), of each recording.

    A window may be shifted by half a stride either way, within its recording.
    """
    records, starts = [], []
    for position in recordings.positions(names):
        own = window_starts(int(recordings.lengths[position]), form.samples, form.stride)
        records.append(np.full(len(own), position))
        starts.append(own)
    records = np.concatenate([np.zeros(0, np.int64), *records])
    starts = np.concatenate([np.zeros(0, np.int64), *starts])
    last = np.maximum(recordings.lengths[records] - form.samples, 0)
    return Examples(
        recordings,
        form,
        records,
        starts,
        targets[records],
        earliest=np.maximum(starts - form.stride // 2, 0),
        latest=np.minimum(starts + form.stride // 2, last),
    )
