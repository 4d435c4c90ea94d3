"""A program for whole windows that answers every hop: what convolutions made of past samples is kept, only what is new
is computed, and the rest of the network runs over the rows of the last window.

Away from a window's ends the rows are those that the program for whole windows computes. At its ends that program has
zeros beyond the window; a continuous one has the samples before, and waits for those behind.
"""

import dataclasses
from collections.abc import Sequence

from export.c99.lower import StepProgram, lower
from export.c99.read_graph import read_graph
from export.c99.schedule import Schedule, schedule_steps
from export.c99.steps import Place, Step, Storage, View, for_loop
from firmware_bench.runtime.errors import InputError

DEFAULT_HOP_S = 1.0
TWO_AXES = ("ecg_conv2d_sN", "ecg_pool2d_sN")  # kernels that know where a window ends


@dataclasses.dataclass(frozen=True)
class ContinuousLoop:
    """How a program answers every hop.

    Attributes:
        features: What is kept: the last rows that run row by row, read by the rest of the network.
        tensors: The tensors of the file that they are.
        rows: Rows of a window.
        hop: Rows from answer to answer.
        samples: Samples of the signal from a row to the next.
        reach: (first, last) sample that row 0 is made from; the first lies before the recording.
    """

    features: tuple[Storage, ...]
    tensors: tuple[int, ...]
    rows: int
    hop: int
    samples: int
    reach: tuple[int, int]

    @property
    def hop_samples(self) -> int:
        """Samples from answer to answer."""
        return self.hop * self.samples

    @property
    def span(self) -> int:
        """Samples that an answer is made from."""
        return self.rows * self.samples + self.context

    @property
    def context(self) -> int:
        """Samples behind the end of a window that its answer waits for."""
        return self.reach[1] + 1 - self.samples


def make_continuous(program: StepProgram, hop_samples: int) -> StepProgram:
    """Make a program that answers every hop of one for whole windows.

    Args:
        program: The program for whole windows.
        hop_samples: Samples from answer to answer; the nearest multiple of the rows' distance is taken.

    Returns:
        The program, whose `continuous` says how.

    Raises:
        InputError: Nothing in the program runs row by row, or a window is shorter than what its rows are made from.
    """
    if program.streaming or len(program.inputs) != 1:
        raise InputError("a program that answers every hop takes windows of one signal")
    schedule = schedule_steps(program, with_means=False)
    features = _find_features(schedule)
    producers = {step.output.storage: step for step in schedule.row_steps}
    reaches = [_find_reach(schedule, producers, feature, 0) for feature in features]
    nexts = [_find_reach(schedule, producers, feature, 1) for feature in features]
    samples = {after[0] - reach[0] for reach, after in zip(reaches, nexts, strict=True)}
    if len(samples) != 1 or len({feature.rows for feature in features}) != 1:
        raise InputError("the network keeps values of several rates from its convolutions: it cannot answer every hop")
    (distance,), rows = samples, features[0].rows
    reach = min(first for first, _ in reaches), max(last for _, last in reaches)
    if reach[1] - reach[0] >= program.inputs[0].storage.rows:
        raise InputError("a window is shorter than what one row of the features is made from")
    hop = min(max(1, round(hop_samples / distance)), rows)
    tensors = tuple(producers[feature].output.tensor.index for feature in features)
    loop = ContinuousLoop(features, tensors, rows, hop, distance, reach)
    return dataclasses.replace(program, steps=_rewire(schedule, producers, loop, program), continuous=loop)


def find_default_hop(data: bytes) -> float | None:
    """Return the time from answer to answer of a file's program unless the user names one: 1 s, or None where the
    network answers window by window, or step by step."""
    program = lower(read_graph(data))
    try:
        make_continuous(program, round(DEFAULT_HOP_S * program.description.sampling_rate))
    except InputError:
        return None
    return DEFAULT_HOP_S


def _find_features(schedule: Schedule) -> tuple[Storage, ...]:
    """The values that are made row by row and read by steps that need all of them."""
    found = dict.fromkeys(
        view.storage for step in schedule.final_steps for view in step.inputs if view.storage in schedule.capacities
    )
    if any(step.kernel in TWO_AXES for step in schedule.row_steps):
        raise InputError("the network has convolutions or pools over two axes: it cannot answer every hop")
    if not schedule.row_steps or not found or schedule.source in found:
        raise InputError("no part of the network runs sample by sample: it cannot answer every hop")
    if any(storage.parent or storage.has_parts or storage.is_output for storage in found):
        raise InputError("the network joins what its convolutions make: it cannot answer every hop")
    return tuple(found)


def _find_reach(schedule: Schedule, producers: dict[Storage, Step], storage: Storage, row: int) -> tuple[int, int]:
    """The first and the last row of the source that a row of a storage is made from."""
    if storage is schedule.source:
        return row, row
    first, last = producers[storage].input_rows(row)
    inputs = [view.storage for view in producers[storage].inputs]
    return (
        min(_find_reach(schedule, producers, source, first)[0] for source in inputs),
        max(_find_reach(schedule, producers, source, last)[1] for source in inputs),
    )


def _rewire(schedule: Schedule, producers, loop: ContinuousLoop, program: StepProgram) -> list[Step]:
    """The steps: those that run row by row, copies of the last rows, and the rest, which reads the copies."""
    windows = {feature: Storage(f"{feature.name}_window", feature.rows, feature.width) for feature in loop.features}
    copies = [
        _copy_window(
            View(feature, producers[feature].output.tensor),
            View(window, producers[feature].output.tensor),
            schedule.row_steps.index(producers[feature]) + 1,
            program.bytes,
        )
        for feature, window in windows.items()
    ]
    rest = [
        dataclasses.replace(
            step,
            inputs=[
                View(windows[view.storage], view.tensor, view.delay) if view.storage in windows else view
                for view in step.inputs
            ],
        )
        for step in schedule.final_steps
    ]
    steps = [*schedule.row_steps, *copies, *rest]
    for storage in {view.storage for step in steps for view in (*step.inputs, step.output)}:
        storage.consumers = [step for step in steps for view in step.inputs if view.storage is storage]
    return steps


def _copy_window(feature: View, window: View, number: int, value_bytes: int) -> Step:
    """The step that copies the last rows of a ring, in the order of time."""
    rows, size = feature.storage.rows, feature.storage.width * value_bytes

    def emit(places: Sequence[Place], out: Place) -> list[str]:
        source = places[0].row(f"($made[{number}] - {rows} + t)")
        return for_loop("t", rows, [f"(void)memcpy({out.row('t')}, {source}, {size});"])

    return Step(window.storage.name, "ecg_fixed", [feature], window, lambda by_rows: [], emit_all=emit)
