"""Depth first over time: steps that make their output row by row run as samples arrive, and of the values between two
of them only the rows that are still needed are kept, in a ring."""

import dataclasses

from export.c99.lower import StepProgram
from export.c99.steps import Step, Storage, TimeMeanStep, View


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Which steps run as samples arrive, and which at the end.

    Attributes:
        source: The input whose rows arrive; None where no input has several, and in a streaming step.
        row_steps: The steps that run row by row, in order of execution.
        final_steps: The steps that run afterwards, each at once.
        capacities: Rows that are kept of each storage between row steps.
    """

    source: Storage | None
    row_steps: list[Step]
    final_steps: list[Step]
    capacities: dict[Storage, int]


def schedule_steps(program: StepProgram, with_means: bool = True) -> Schedule:
    """Decide which steps run as samples arrive, and how many rows have to be kept between them.

    Args:
        program: The program.
        with_means: Whether means over a window are summed up as samples arrive.

    Returns:
        The schedule.
    """
    sequences = [view.storage for view in program.inputs if view.storage.rows > 1]
    if not sequences or program.streaming:
        return Schedule(None, [], program.steps, {})
    source = max(sequences, key=lambda storage: storage.rows)
    with_means = with_means and not program.continuous
    arriving: dict[Storage, None] = {source: None}  # a dictionary, because it keeps its order
    row_steps: list[Step] = []
    for step in program.steps:
        if (
            _runs_by_rows(step, with_means)
            and step.inputs
            and all(_arrives_by_rows(view, arriving) for view in step.inputs)
        ):
            row_steps.append(step)
            if not isinstance(step, TimeMeanStep):
                arriving[step.output.storage] = None
    final_steps = [step for step in program.steps if step not in row_steps]
    needed_whole = {view.storage for step in final_steps for view in step.inputs}
    needed_whole |= {storage for storage in arriving if storage.is_output or storage.is_argument}
    least = {storage: storage.rows if storage in needed_whole else 0 for storage in arriving}
    return Schedule(source, row_steps, final_steps, _simulate(source, row_steps, least))


def _runs_by_rows(step: Step, with_means: bool) -> bool:
    return step.emit_row is not None or (with_means and isinstance(step, TimeMeanStep) and not step.accumulated)


def _arrives_by_rows(view: View, arriving) -> bool:
    """Whether the view's rows are those of its storage, and arrive one after another."""
    storage = view.storage
    return storage in arriving and (view.tensor.rows, view.tensor.width) == (storage.rows, storage.width)


def _simulate(source: Storage, steps: list[Step], least: dict[Storage, int]) -> dict[Storage, int]:
    """The rows that have to be kept of each storage, found by running the generated program's schedule: of the steps
    that are ready, the last makes one row."""
    written = dict.fromkeys(least, 0)
    done = dict.fromkeys(steps, 0)
    readers = {storage: [step for step in steps if storage in _input_storages(step)] for storage in least}
    kept = dict(least)

    def write(storage: Storage) -> None:
        oldest = [max(0, step.input_rows(done[step])[0]) for step in readers[storage] if done[step] < step.rows]
        kept[storage] = max(kept[storage], written[storage] + 1 - min([*oldest, written[storage]]))
        written[storage] += 1

    def is_ready(step: Step) -> bool:
        if done[step] == step.rows:
            return False
        last = step.input_rows(done[step])[1]
        return all(written[s] > min(last, s.rows - 1) for s in _input_storages(step))

    def run() -> None:
        position = len(steps) - 1
        while position >= 0:
            step = steps[position]
            if not is_ready(step):
                position -= 1
                continue
            if not isinstance(step, TimeMeanStep):
                write(step.output.storage)
            done[step] += 1
            position = len(steps) - 1

    if source.is_argument:  # all of it is there from the start
        written[source] = source.rows
        run()
    for _ in range(source.rows - written[source]):
        write(source)
        run()
    if any(done[step] < step.rows for step in steps):
        raise AssertionError("the schedule ends before every row is made")
    return kept


def _input_storages(step: Step) -> list[Storage]:
    return [view.storage for view in step.inputs]
