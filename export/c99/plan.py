"""Where in RAM every value lies: planned before the program is compiled, because its order of execution is known."""

import dataclasses

from export.c99.lower import Program
from export.c99.steps import LSTM, Place, Storage, View
from export.c99.stream import Stream, sequential

ALIGNMENT = 4


@dataclasses.dataclass(frozen=True)
class Plan:
    """`places`: of every storage. The rest in bytes: `arena` for activations, `window`, `state` and `sums` for what the
    kernels work with, `counters` for how many rows each step has made, `pointers` to the caller's inputs."""

    places: dict[Storage, Place]
    arena: int
    window: int
    state: int
    sums: int
    counters: int
    pointers: int

    def place(self, view: View) -> Place | None:
        """Where a value lies, in rows of the view's own shape; None for rows that are only added up."""
        place = self.places.get(view.storage)
        if place is None or (view.tensor.rows, view.tensor.width) == (view.storage.rows, view.storage.width):
            return place
        return Place(place.base, view.tensor.rows, view.tensor.width, view.tensor.rows)

    @property
    def total(self) -> int:
        """Bytes of static RAM."""
        return self.arena + self.window + self.state + self.sums + self.counters + self.pointers


def plan(program: Program, stream: Stream) -> Plan:
    """Values that live at the same time lie side by side, others over one another: the largest first, each at the
    lowest free address. All that runs as samples arrive lives at once."""
    order = dict.fromkeys(stream.steps, 0) | {step: n for n, step in enumerate(stream.rest, 1)}
    homes = _homes(program, stream, order)
    first, last = {}, {}
    for view in program.inputs:
        first[view.storage] = last[view.storage] = 0
    for step in order:
        if not _stored(step):
            continue
        storage = step.output.storage
        first[storage] = min(first.get(storage, order[step]), order[step])
        last[storage] = max(last.get(storage, 0), order[step])
    for step in order:
        for view in step.inputs:
            last[view.storage] = max(last.get(view.storage, 0), order[step])
    for view in program.outputs:
        last[view.storage] = len(order)

    spans = {}
    for storage in first:
        home, _ = homes.get(storage, (storage, 0))
        start, end = spans.get(home, (first[storage], last[storage]))
        spans[home] = min(start, first[storage]), max(end, last[storage])
    sizes = {s: stream.capacities.get(s, s.rows) * s.width for s in spans if not s.parameter}
    offsets = _placed(sizes, spans)

    places = {}
    for storage in first:
        home, stride = homes.get(storage, (storage, storage.width))
        capacity = stream.capacities.get(storage, storage.rows)
        base = f"input_{storage.name}" if home.parameter else f"arena + {offsets[home]}"
        places[storage] = Place(base, capacity, stride, storage.rows)
    lstms = [step for step in program.steps if isinstance(step, LSTM)]
    units = max((step.units for step in lstms), default=0)
    row = max((step.units for step in lstms if step.sums is not None), default=0)
    return Plan(
        places,
        arena=_aligned(max((offsets[s] + sizes[s] for s in sizes), default=0)),
        window=2 * max((step.window for step in program.steps), default=0),
        state=2 * 2 * units + row,
        sums=4 * program.sums,
        counters=4 * (len(stream.steps) + 1 if stream.source else 0),
        pointers=4 * sum(view.storage.parameter for view in program.inputs),
    )


def _stored(step):
    return not (isinstance(step, LSTM) and step.sums is not None)


def _homes(program, stream, order):
    """{storage: (the storage of a step's input, which nothing needs any more and whose place it takes; how far apart
    its rows lie there)}"""
    homes = {}
    for step in stream.rest:
        sources = [view.storage for view in step.inputs]
        if len(sources) != 1 or not _stored(step):
            continue
        (source,), target = sources, step.output.storage
        needed = source.kept or source.parameter or any(order[reader] > order[step] for reader in source.consumers)
        if needed or source in homes or stream.capacities.get(source, source.rows) < source.rows:
            continue
        if step.in_place and target.size == source.size:
            homes[target] = source, target.width
        elif isinstance(step, LSTM) and step.units <= source.width and not (step.flipped or target.kept):
            homes |= {target: (source, source.width)} if all(map(sequential, target.consumers)) else {}
    return homes


def _placed(sizes, spans):
    """storage → offset"""
    offsets = {}
    for storage in sorted(sizes, key=lambda s: -sizes[s]):
        start, end = spans[storage]
        busy = sorted(
            (offsets[other], offsets[other] + sizes[other])
            for other in offsets
            if spans[other][0] <= end and start <= spans[other][1]
        )
        offset = 0
        for low, high in busy:
            if offset + sizes[storage] <= low:
                break
            offset = max(offset, _aligned(high))
        offsets[storage] = offset
    return offsets


def _aligned(n):
    return -(-n // ALIGNMENT) * ALIGNMENT
