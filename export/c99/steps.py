"""The parts of a generated program: steps, each a call of a kernel, and the values that they read and write.

C statements are written with the placeholders of export.c99.c_text."""

import dataclasses
from collections.abc import Callable, Sequence

from export.c99.ir import GraphTensor

UNBOUNDED = 1 << 30  # rows of a value that goes on as long as the recording


@dataclasses.dataclass(eq=False)
class Storage:
    """The memory of a value. Views of other shapes share it.

    Attributes:
        name: Its name in the README.
        rows: Rows of the whole value.
        width: Values of a row.
        parent: The storage of which it is a part, from value `offset` on, or None.
        consumers: The steps that read it.
        is_output: Whether it is an output of the model.
        is_argument: Whether it is the caller's memory.
        is_state: Whether it is kept from one streaming step to the next.
        has_parts: Whether it is the parent of others.
    """

    name: str
    rows: int
    width: int
    parent: "Storage | None" = None
    offset: int = 0
    consumers: list["Step"] = dataclasses.field(default_factory=list, repr=False)  # steps refer to storages
    is_output: bool = False
    is_argument: bool = False
    is_state: bool = False
    has_parts: bool = False

    @property
    def size(self) -> int:
        """The number of values."""
        return self.rows * self.width


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A storage read or written in the shape, scale and zero point of a tensor.

    Attributes:
        storage: The memory.
        tensor: The shape, scale and zero point.
        delay: By how many values it is read later, or (negative) earlier, than it is stored; zeros beyond the ends.
    """

    storage: Storage
    tensor: GraphTensor
    delay: int = 0


@dataclasses.dataclass(frozen=True)
class Place:
    """A storage in C: row r is at base + (r % capacity) * stride.

    Attributes:
        base: A C expression, a pointer to values.
        capacity: The rows that are kept, in a ring where they are fewer than `rows`.
        stride: Values from one row to the next.
        rows: Rows of the whole value.
    """

    base: str
    capacity: int
    stride: int
    rows: int

    def row(self, t: str) -> str:
        """The C expression of the address of row `t`, an expression that can be multiplied."""
        if self.capacity == 1:
            return self.base
        index = t if self.capacity >= self.rows else f"({t} % {self.capacity})"
        return f"{self.base} + ({index} * {self.stride})"


EmitRow = Callable[[Sequence[Place], str, Place], list[str]]
EmitAll = Callable[[Sequence[Place], Place], list[str]]


@dataclasses.dataclass(frozen=True)
class Calls:
    """The statements that compute a step: those before all turns of a loop, and those of a turn.

    Attributes:
        first: Statements before the loop.
        turn: Statements of a turn.
        count: How many turns; 1: no loop.
        variable: The loop's variable.
    """

    first: list[str]
    turn: list[str]
    count: int = 1
    variable: str = "t"

    def emit(self) -> list[str]:
        """The statements of all turns."""
        return [*self.first, *(self.turn if self.count == 1 else for_loop(self.variable, self.count, self.turn))]


@dataclasses.dataclass(eq=False)
class Step:
    """A call of a kernel.

    A step has `emit_all`, or `emit_row` where it can make one row of its output at a time.

    Attributes:
        name: Its name, a symbol of the program without the prefix.
        kernel: The kernel file that it calls, without ending: `ecg_conv_sN` for both value types, `ecg_dense_s8` for
            one.
        inputs: What it reads.
        output: What it writes.
        declare: (whether it runs row by row) → its constants in C.
        emit_all: (inputs, output) → the statements that compute all of it.
        emit_row: (inputs, t, output) → the statements that compute row t of the output.
        input_rows: t → the first and the last row of the inputs that row t is made from, beyond the ends as well.
        ready_condition: (t, rows) → the C condition under which row t can be made of so many rows of the inputs, where
            more are to come.
        rows: Rows of the output of a step with `emit_row`.
        emit_row_contiguous: As `emit_row`, without scratch memory, where all rows of the inputs are stored one after
            another.
        scratch: 16-bit scratch values that it needs in `$window`.
        in_place: The numbers of the inputs whose memory the output may take.
    """

    name: str
    kernel: str
    inputs: Sequence[View]
    output: View
    declare: Callable[[bool], list[str]]
    emit_all: EmitAll | None = None
    emit_row: EmitRow | None = None
    input_rows: Callable[[int], tuple[int, int]] = lambda t: (t, t)
    ready_condition: Callable[[str, str], str] = lambda t, rows: f"({t} < {rows})"
    rows: int = 0
    emit_row_contiguous: EmitRow | None = None
    scratch: int = 0
    in_place: Sequence[int] = ()

    def plan_calls(self, inputs: Sequence[Place], output: Place) -> Calls:
        """The statements that compute all of it, row by row where there is no `emit_all`."""
        if self.emit_all is not None:
            return Calls([], self.emit_all(inputs, output))
        emit_row = self.emit_row_contiguous or self.emit_row
        if emit_row is None:
            raise ValueError(f"step {self.name} has neither emit_all nor emit_row")
        return Calls([], emit_row(inputs, "0" if self.rows == 1 else "t", output), self.rows)


@dataclasses.dataclass(eq=False)
class LstmStep(Step):
    """An LSTM over a sequence that may be stored in several parts side by side (inputs).

    Attributes:
        is_backward: Whether it takes the last row first.
        is_reversed: Whether a backward one also writes in the order of its steps, the last row first.
        units: Values of its output's row.
        zero_in: The zero point of the inputs.
        sums_offset: The place in `$sums` where its rows are added up instead of stored, or None.
    """

    is_backward: bool = False
    is_reversed: bool = False
    units: int = 0
    zero_in: int = 0
    sums_offset: int | None = None

    def plan_calls(self, inputs: Sequence[Place], output: Place) -> Calls:
        """The statements that run it over the sequence."""
        steps = inputs[0].rows
        # Of one step the only row needs no number.
        lines = [f"int32_t t = {f'{steps - 1} - s' if self.is_backward else 's'};"] if steps > 1 else []
        offset, row = 0, "t" if steps > 1 else "0"
        for view, place in zip(self.inputs, inputs, strict=True):
            width = view.tensor.width
            lines.append(f"ecg_widen_s8({place.row(row)}, {width}, {self.zero_in}, $window + {offset});")
            offset += width
        target = "$row" if self.sums_offset is not None else output.row("s" if self.is_reversed else row)
        lines.append(f"ecg_lstm_step_s8(&${self.name}, $window, $hidden, $cell, {target});")
        if self.sums_offset is not None:
            lines.append(f"ecg_mean_add_s8($row, {self.units}, $sums + {self.sums_offset});")
        return Calls([f"ecg_lstm_start_s8(&${self.name}, $hidden, $cell);"], lines, steps, "s")


@dataclasses.dataclass(eq=False)
class TimeMeanStep(Step):
    """A mean over the rows of a sequence that may be stored in several parts side by side (inputs).

    Attributes:
        sums_offset: The place in `$sums` where the rows are added up.
        accumulated: The storages whose LSTM adds its rows up itself.
    """

    sums_offset: int = 0
    accumulated: set[Storage] = dataclasses.field(default_factory=set)

    def sums_offsets(self) -> list[int]:
        """The place in `$sums` of every part."""
        widths = [view.tensor.width for view in self.inputs]
        return [self.sums_offset + sum(widths[:n]) for n in range(len(widths))]

    def emit_accumulate(self, inputs: Sequence[Place], t: str) -> list[str]:
        """The statements that add row `t` to the sums."""
        return [
            f"ecg_mean_add_sN({place.row(t)}, {view.tensor.width}, $sums + {offset});"
            for view, place, offset in zip(self.inputs, inputs, self.sums_offsets(), strict=True)
            if view.storage not in self.accumulated
        ]

    def emit_mean(self, output: Place) -> str:
        """The statement that divides the sums."""
        width = sum(view.tensor.width for view in self.inputs)
        return f"ecg_mean_of_sums_sN(&${self.name}, $sums + {self.sums_offset}, {width}, {output.base});"

    def plan_calls(self, inputs: Sequence[Place], output: Place) -> Calls:
        """The statements that compute all of it."""
        adding = self.emit_accumulate(inputs, "t")
        return Calls([], [*(for_loop("t", self.rows, adding) if adding else []), self.emit_mean(output)])


def for_loop(variable: str, count: int, statements: Sequence[str]) -> list[str]:
    """A C loop of `variable` from 0 to `count` - 1."""
    head = f"for (int32_t {variable} = 0; {variable} < {count}; ++{variable}) {{"
    return [head, *(f"    {statement}" for statement in statements), "}"]


def fill(base: str, value: int, count: int) -> list[str]:
    """Statements that write a value `count` times. gcc warns of a memset of 16-bit values whose bytes are by chance as
    many as the values of the whole memory."""
    return for_loop("i", count, [f"({base})[i] = {value};"])
