"""Where in RAM every value is stored, planned before the program is compiled: its order of execution is known."""

import dataclasses
from collections.abc import Iterator

from export.c99.lower import StepProgram
from export.c99.schedule import Schedule
from export.c99.steps import UNBOUNDED, LstmStep, Place, Step, Storage, TimeMeanStep, View

ALIGNMENT = 4  # bytes
NOT_STORED = Place("0", 1, 0, 0)  # of the rows of an LSTM that are only accumulated


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """Static RAM in bytes, and where in it every value is.

    Attributes:
        places: The place of every storage.
        roots: For every storage the one in whose memory it is, itself or another.
        arena: Bytes of activations.
        window: Bytes of 16-bit scratch memory.
        state: Bytes of an LSTM's state and of a row of its output.
        sums: Bytes of 32-bit sums.
        counters: Bytes of the counters of rows.
        pointers: Bytes of the pointers to the caller's inputs.
    """

    places: dict[Storage, Place]
    roots: dict[Storage, Storage]
    arena: int
    window: int
    state: int
    sums: int
    counters: int
    pointers: int

    def place(self, view: View) -> Place:
        """Where a value is, in rows of the view's own shape; NOT_STORED for rows that are only accumulated."""
        place = self.places.get(view.storage, NOT_STORED)
        whole = (view.tensor.rows, view.tensor.width) == (view.storage.rows, view.storage.width)
        if place is NOT_STORED or whole:
            return place
        return Place(place.base, view.tensor.rows, view.tensor.width, view.tensor.rows)

    def root(self, view: View) -> Storage:
        """The storage in whose memory a value is."""
        return self.roots[view.storage]

    @property
    def total(self) -> int:
        """Bytes of static RAM."""
        return self.arena + self.window + self.state + self.sums + self.counters + self.pointers

    @property
    def parts(self) -> dict[str, int]:
        """Bytes of each part, and "total"."""
        names = ("arena", "window", "state", "sums", "counters", "pointers", "total")
        return {name: getattr(self, name) for name in names}


def plan_memory(program: StepProgram, schedule: Schedule) -> MemoryPlan:
    """Plan the static RAM.

    Values that are needed at the same time are side by side, others share memory: the largest first, each at the lowest
    free address. All that runs as samples arrive is needed at the same time.

    Args:
        program: The program.
        schedule: Its schedule.

    Returns:
        The plan.
    """
    order = dict.fromkeys(schedule.row_steps, 0) | {step: n for n, step in enumerate(schedule.final_steps, 1)}
    uses = list(_uses(program, order))
    kept = set(schedule.capacities) if program.continuous else set()  # from answer to answer
    uses += [(storage, time) for storage in kept for time in (0, len(order))]
    reused = _reuse_inputs(program, schedule, order)
    roots = {storage: _root(storage, reused) for storage, _ in uses}
    lifetimes: dict[Storage, tuple[int, int]] = {}
    for storage, time in uses:
        root, _ = roots[storage]
        start, end = lifetimes.get(root, (time, time))
        lifetimes[root] = min(start, time), max(end, time)
    sizes = {s: schedule.capacities.get(s, s.rows) * s.width for s in lifetimes if not s.is_argument}
    offsets = _allocate(sizes, lifetimes)

    places = {}
    for storage, (root, offset) in roots.items():
        stride = reused[storage][1] if storage in reused else storage.width
        capacity = schedule.capacities.get(storage, storage.rows)
        base = f"$input_{storage.name}" if root.is_argument else f"$arena + {offsets[root] + offset}"
        places[storage] = Place(base, capacity, stride, UNBOUNDED if storage in kept else storage.rows)
    lstms = [step for step in program.steps if isinstance(step, LstmStep)]
    units = max((step.units for step in lstms), default=0)
    row = max((step.units for step in lstms if step.sums_offset is not None), default=0)
    scratch = [s.scratch for s in program.steps if s in schedule.row_steps or not s.emit_row_contiguous]
    return MemoryPlan(
        places,
        roots={storage: root for storage, (root, _) in roots.items()},
        arena=_aligned(max((offsets[s] + sizes[s] for s in sizes), default=0)) * program.bytes,
        window=2 * max(scratch, default=0),
        state=2 * 2 * units + row,
        sums=4 * program.sums,
        counters=4 * _count_counters(program, schedule),
        pointers=4 * sum(view.storage.is_argument for view in program.inputs),
    )


def _count_counters(program: StepProgram, schedule: Schedule) -> int:
    if program.streaming:
        return 2  # samples of the block, blocks
    rows = len(schedule.row_steps) + 1 if schedule.source else 0
    return rows + (program.continuous is not None) + 2 * program.is_sliced  # rows at the last answer; slice and turn


def _root(storage: Storage, reused) -> tuple[Storage, int]:
    """The storage in whose memory `storage` is, and from which of its values on."""
    offset = 0
    while storage in reused or storage.parent:
        offset += storage.offset
        if storage in reused:
            storage = reused[storage][0]
        elif storage.parent:
            storage = storage.parent
    return storage, offset


def _is_stored(step: Step) -> bool:
    return not (isinstance(step, LstmStep) and step.sums_offset is not None)


def _uses(program: StepProgram, order) -> Iterator[tuple[Storage, int]]:
    """(storage, when it is written or read): 0 while samples arrive and before, then the number of the step; outputs
    have the highest."""
    for view in program.inputs:
        yield view.storage, 0
    for step in order:
        if _is_stored(step):
            yield step.output.storage, order[step]
    not_stored = {step.output.storage for step in order if not _is_stored(step)}
    for step in order:
        yield from ((view.storage, order[step]) for view in step.inputs if view.storage not in not_stored)
    for view in program.outputs:
        yield view.storage, len(order)
    if program.streaming:
        yield from ((view.storage, 0) for view in (program.streaming.valid, program.streaming.share) if view)
        for state, after in program.streaming.states:
            yield from ((state.storage, 0), (state.storage, len(order)), (after.storage, len(order)))


def _reuse_inputs(program: StepProgram, schedule: Schedule, order) -> dict[Storage, tuple[Storage, int]]:
    """{storage: (the storage of a step's input that nothing needs any more, whose memory it takes; the stride of its
    rows there)}"""
    reused: dict[Storage, tuple[Storage, int]] = {}
    states = {}
    if program.streaming:
        states = {state.storage: after.storage for state, after in program.streaming.states}
    for step in schedule.final_steps:
        target = step.output.storage
        if not _is_stored(step) or target.parent:
            continue
        for position, view in enumerate(step.inputs):
            source = view.storage
            needed = source.is_output or source.is_argument or source.has_parts or source.parent
            needed = needed or any(order[reader] > order[step] for reader in source.consumers)
            needed = needed or (source.is_state and states[source] is not target)
            if needed or schedule.capacities.get(source, source.rows) < source.rows:
                continue
            has_gaps = source in reused and reused[source][1] != source.width
            if position in step.in_place and target.size == source.size and not has_gaps:
                reused[target] = source, target.width
                break
            if isinstance(step, LstmStep) and source not in reused and _overwrites_input(step, source, target):
                reused[target] = source, source.width
    return reused


def _overwrites_input(step: LstmStep, source: Storage, target: Storage) -> bool:
    """Whether an LSTM can write each row over the input's row of the same time."""
    if len(step.inputs) > 1 or step.units > source.width or step.is_reversed or target.is_output:
        return False
    return all(isinstance(reader, LstmStep | TimeMeanStep) for reader in target.consumers)  # they read any stride


def _allocate(sizes: dict[Storage, int], lifetimes) -> dict[Storage, int]:
    """{storage: the number of its first value}"""
    offsets: dict[Storage, int] = {}
    for storage in sorted(sizes, key=lambda s: -sizes[s]):
        start, end = lifetimes[storage]
        busy = sorted(
            (offsets[other], offsets[other] + sizes[other])
            for other in offsets
            if lifetimes[other][0] <= end and start <= lifetimes[other][1]
        )
        offset = 0
        for low, high in busy:
            if offset + sizes[storage] <= low:
                break
            offset = max(offset, _aligned(high))
        offsets[storage] = offset
    return offsets


def _aligned(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT
