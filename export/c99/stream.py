"""Depth first over time: steps that make their output row by row run as samples arrive, and between two of them only
the rows that are still needed are kept, in a ring."""

import dataclasses

from export.c99.lower import Program
from export.c99.steps import LSTM, Step, Storage, TimeMean


@dataclasses.dataclass(frozen=True)
class Stream:
    """`source`: the input whose rows arrive (None where no input has several, and in the program of a step). `steps`
    run row by row, in this order where several are due; `rest` run afterwards, each at once. `capacities`: rows kept of
    each storage in `steps`."""

    source: Storage | None
    steps: list[Step]
    rest: list[Step]
    capacities: dict[Storage, int]


def split(program: Program) -> Stream:
    """Which steps run as samples arrive, and how many rows lie between them at most."""
    sequences = [view.storage for view in program.inputs if view.storage.rows > 1]
    if not sequences or program.recording:
        return Stream(None, [], program.steps, {})
    source = max(sequences, key=lambda storage: storage.rows)
    streamed, steps = {source: None}, []  # a dictionary, because it keeps its order
    for step in program.steps:
        if _by_rows(step) and step.inputs and all(_reads_rows(view, streamed) for view in step.inputs):
            steps.append(step)
            if not isinstance(step, TimeMean):
                streamed[step.output.storage] = None
    rest = [step for step in program.steps if step not in steps]
    whole = {view.storage for step in rest for view in step.inputs}
    whole |= {storage for storage in streamed if storage.kept or storage.parameter}
    kept = {storage: storage.rows if storage in whole else 0 for storage in streamed}
    return Stream(source, steps, rest, _capacities(source, steps, kept))


def _by_rows(step):
    return step.row is not None or (isinstance(step, TimeMean) and not step.added)


def _reads_rows(view, streamed):
    """Whether the view's rows are those of its storage, and arrive one after another."""
    storage = view.storage
    return storage in streamed and (view.tensor.rows, view.tensor.width) == (storage.rows, storage.width)


def _capacities(source, steps, kept):
    """Plays the schedule of the generated program: of the steps that are due, the last makes one row."""
    made = dict.fromkeys(kept, 0)
    done = dict.fromkeys(steps, 0)
    readers = {storage: [step for step in steps if storage in _storages(step)] for storage in kept}
    most = dict(kept)

    def write(storage):
        oldest = [max(0, step.span(done[step])[0]) for step in readers[storage] if done[step] < step.rows]
        most[storage] = max(most[storage], made[storage] + 1 - min([*oldest, made[storage]]))
        made[storage] += 1

    def due(step):
        if done[step] == step.rows:
            return False
        last = step.span(done[step])[1]
        return all(made[s] > min(last, s.rows - 1) for s in _storages(step))

    def run():
        position = len(steps) - 1
        while position >= 0:
            step = steps[position]
            if not due(step):
                position -= 1
                continue
            if not isinstance(step, TimeMean):
                write(step.output.storage)
            done[step] += 1
            position = len(steps) - 1

    if source.parameter:  # all of it is there from the start
        made[source] = source.rows
        run()
    for _ in range(source.rows - made[source]):
        write(source)
        run()
    if any(done[step] < step.rows for step in steps):
        raise AssertionError("the schedule ends before every row is made")
    return most


def _storages(step):
    return [view.storage for view in step.inputs]


def sequential(step: Step) -> bool:
    """Whether a step reads and writes row after row at any distance, so that its rows may lie apart."""
    return isinstance(step, LSTM | TimeMean)
