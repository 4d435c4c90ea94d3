"""Where in RAM every value lies: planned before the program is compiled, because its order of execution is known."""

import dataclasses

from export.c99.lower import Program
from export.c99.steps import LSTM, Place, Storage, View
from export.c99.stream import Stream, sequential

ALIGNMENT = 4


@dataclasses.dataclass(frozen=True)
class Plan:
    """`places`: of every storage; `roots`: the storage in whose place it lies. The rest in bytes: `arena` for
    activations, `window`, `state` and `sums` for what the kernels work with, `counters` for how many rows each step has
    made, `pointers` to the caller's inputs."""

    places: dict[Storage, Place]
    roots: dict[Storage, Storage]
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

    def base(self, view: View) -> Storage:
        """The storage with a place of its own in which a value lies."""
        return self.roots[view.storage]

    @property
    def total(self) -> int:
        """Bytes of static RAM."""
        return self.arena + self.window + self.state + self.sums + self.counters + self.pointers


def plan(program: Program, stream: Stream) -> Plan:
    """Values that live at the same time lie side by side, others over one another: the largest first, each at the
    lowest free address. All that runs as samples arrive lives at once."""
    order = dict.fromkeys(stream.steps, 0) | {step: n for n, step in enumerate(stream.rest, 1)}
    taken = _taken(program, stream, order)

    def home(storage):
        """(the storage that has a place of its own and holds this one, from which of its values on)"""
        offset = 0
        while storage in taken or storage.home:
            offset += storage.offset
            storage = taken[storage][0] if storage in taken else storage.home
        return storage, offset

    spans = {}
    for storage, time in _uses(program, order):
        at, _ = home(storage)
        start, end = spans.get(at, (time, time))
        spans[at] = min(start, time), max(end, time)
    sizes = {s: stream.capacities.get(s, s.rows) * s.width for s in spans if not s.parameter}
    offsets = _placed(sizes, spans)

    places = {}
    for storage in dict.fromkeys(storage for storage, _ in _uses(program, order)):
        at, offset = home(storage)
        stride = taken[storage][1] if storage in taken else storage.width
        capacity = stream.capacities.get(storage, storage.rows)
        base = f"input_{storage.name}" if at.parameter else f"arena + {offsets[at] + offset}"
        places[storage] = Place(base, capacity, stride, storage.rows)
    lstms = [step for step in program.steps if isinstance(step, LSTM)]
    units = max((step.units for step in lstms), default=0)
    row = max((step.units for step in lstms if step.sums is not None), default=0)
    return Plan(
        places,
        roots={storage: home(storage)[0] for storage in places},
        arena=_aligned(max((offsets[s] + sizes[s] for s in sizes), default=0)) * program.bytes,
        window=2 * max([step.window for step in program.steps if step in stream.steps or not step.here], default=0),
        state=2 * 2 * units + row,
        sums=4 * program.sums,
        counters=4 * (2 if program.recording else len(stream.steps) + 1 if stream.source else 0),
        pointers=4 * sum(view.storage.parameter for view in program.inputs),
    )


def _stored(step):
    return not (isinstance(step, LSTM) and step.sums is not None)


def _uses(program, order):
    """(storage, when it is written or read): 0 while samples arrive and before, then the number of the step; what is
    wanted after the last step has the highest."""
    for view in program.inputs:
        yield view.storage, 0
    for step in order:
        if _stored(step):
            yield step.output.storage, order[step]
    unstored = {step.output.storage for step in order if not _stored(step)}
    for step in order:
        yield from ((view.storage, order[step]) for view in step.inputs if view.storage not in unstored)
    for view in program.outputs:
        yield view.storage, len(order)
    if program.recording:
        yield from ((view.storage, 0) for view in (program.recording.valid, program.recording.share) if view)
        for state, after in program.recording.states:
            yield from ((state.storage, 0), (state.storage, len(order)), (after.storage, len(order)))


def _taken(program, stream, order):
    """{storage: (the storage of a step's input, which nothing needs any more and whose place it takes; how far apart
    its rows lie there)}"""
    taken = {}
    states = {state.storage: after.storage for state, after in program.recording.states} if program.recording else {}
    for step in stream.rest:
        target = step.output.storage
        if not _stored(step) or target.home:
            continue
        for position, view in enumerate(step.inputs):
            source = view.storage
            needed = source.kept or source.parameter or source.shared or source.home
            needed = needed or any(order[reader] > order[step] for reader in source.consumers)
            needed = needed or (source.state and states[source] is not target)
            if needed or stream.capacities.get(source, source.rows) < source.rows:
                continue
            apart = source in taken and taken[source][1] != source.width
            if position in step.in_place and target.size == source.size and not apart:
                taken[target] = source, target.width
                break
            alone = isinstance(step, LSTM) and len(step.inputs) == 1 and source not in taken
            upright = alone and step.units <= source.width and not (step.flipped or target.kept)
            if upright and all(map(sequential, target.consumers)):
                taken[target] = source, source.width
    return taken


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
