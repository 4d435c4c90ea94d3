"""What a generated program is made of: steps, each a call of a kernel, and the values that they read and write."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from export.c99.graph import Tensor


@dataclasses.dataclass(eq=False)
class Storage:
    """Where a value lies. Views of another shape share it. `consumers` are steps. It may be a stretch of another,
    its `home`, from its value number `offset` on."""

    name: str
    rows: int
    width: int
    home: "Storage | None" = None
    offset: int = 0
    consumers: list = dataclasses.field(default_factory=list, repr=False)  # they refer to storages in turn
    kept: bool = False  # an output of the graph
    parameter: bool = False  # the caller's memory
    state: bool = False  # kept from run to run
    shared: bool = False  # the home of others

    @property
    def size(self) -> int:
        return self.rows * self.width


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A storage read or written as `tensor`: its shape, scale and zero point. `delay`: by how many values it is read
    later, or (negative) earlier, than it lies there, zeros before and behind."""

    storage: Storage
    tensor: Tensor
    delay: int = 0


@dataclasses.dataclass(frozen=True)
class Place:
    """A storage in C: row r at base + r % capacity · stride. `base` is an expression, a pointer to values."""

    base: str
    capacity: int
    stride: int
    rows: int

    def row(self, t: str) -> str:
        """The address of row `t`, an expression that can be multiplied."""
        if self.capacity == 1:
            return self.base
        index = t if self.capacity >= self.rows else f"{t} % {self.capacity}"
        return f"{self.base} + {index} * {self.stride}"


@dataclasses.dataclass(eq=False)
class Step:
    """`kernel`: the file of kernels/ that it calls. `window`: 16-bit scratch values. `declare(by rows)`: its constants
    in C. `whole(inputs, output)`: the C statements that compute it all at once.

    A step that can make one row of its output at a time also has `row(inputs, t, output)`, its C statements, and
    `span(t)`, the first and the last row of its inputs that row t is made from (beyond the ends there is nothing).
    `due(t, have)` is a C condition: with `have` rows of the inputs, and more to come, row t can be made. `here`: a
    `row` without scratch, where all rows of the inputs lie one after another.

    in_place: the inputs whose place the output may take.
    """

    name: str
    kernel: str
    inputs: Sequence[View]
    output: View
    declare: Callable[[bool], list[str]]
    whole: Callable[[list[Place], Place], list[str]] | None = None
    row: Callable[[list[Place], str, Place], list[str]] | None = None
    span: Callable[[int], tuple[int, int]] = lambda t: (t, t)
    due: Callable[[str, str], str] = lambda t, have: f"{t} < {have}"
    rows: int = 0
    here: Callable[[list[Place], str, Place], list[str]] | None = None
    window: int = 0
    in_place: Sequence[int] = ()

    def calls(self, inputs: list[Place], output: Place) -> list[str]:
        """The statements that compute all of it."""
        if self.whole is not None:
            return self.whole(inputs, output)
        row = self.here or self.row
        if self.rows == 1:
            return row(inputs, "0", output)
        body = [f"    {line}" for line in row(inputs, "t", output)]
        return [f"for (int32_t t = 0; t < {self.rows}; ++t) {{", *body, "}"]


@dataclasses.dataclass(eq=False)
class LSTM(Step):
    """An LSTM over a sequence that may lie in several parts side by side (inputs). Backwards it takes the last row
    first; `flipped`: it also writes in the order of its steps. `sums`: where its rows are added up instead of kept."""

    backwards: bool = False
    flipped: bool = False
    units: int = 0
    zero_in: int = 0
    sums: int | None = None

    def calls(self, inputs, output):
        steps = inputs[0].rows
        t = f"{steps - 1} - s" if self.backwards else "s"
        lines, done = [f"int32_t t = {t};"], 0
        for view, place in zip(self.inputs, inputs, strict=True):
            width = view.tensor.width
            lines.append(f"ecg_widen({place.row('t')}, {width}, {self.zero_in}, window + {done});")
            done += width
        if self.sums is None:
            target = output.row("s" if self.flipped else "t")
            lines.append(f"ecg_lstm_step(&{self.name}, window, hidden, cell, {target});")
        else:
            lines.append(f"ecg_lstm_step(&{self.name}, window, hidden, cell, row);")
            lines.append(f"ecg_mean_add(row, {self.units}, sums + {self.sums});")
        return [
            f"ecg_lstm_start(&{self.name}, hidden, cell);",
            f"for (int32_t s = 0; s < {steps}; ++s) {{",
            *(f"    {line}" for line in lines),
            "}",
        ]


@dataclasses.dataclass(eq=False)
class TimeMean(Step):
    """A mean over the rows of a sequence that may lie in several parts side by side, through 32-bit sums at `sums`."""

    sums: int = 0
    added: set = dataclasses.field(default_factory=set)  # storages whose LSTM adds its rows up itself

    def starts(self) -> list[int]:
        """Where each part's sums start."""
        widths = [view.tensor.width for view in self.inputs]
        return [self.sums + sum(widths[:n]) for n in range(len(widths))]

    def add(self, inputs: list[Place], t: str) -> list[str]:
        return [
            f"ecg_mean_add({place.row(t)}, {view.tensor.width}, sums + {start});"
            for view, place, start in zip(self.inputs, inputs, self.starts(), strict=True)
            if view.storage not in self.added
        ]

    def finish(self, output: Place) -> str:
        width = sum(view.tensor.width for view in self.inputs)
        return f"ecg_mean_of_sums(&{self.name}, sums + {self.sums}, {width}, {output.base});"

    def calls(self, inputs, output):
        adding = self.add(inputs, "t")
        loop = [f"for (int32_t t = 0; t < {self.rows}; ++t) {{", *(f"    {line}" for line in adding), "}"]
        return [*(loop if adding else []), self.finish(output)]


def ctype(dtype) -> str:
    """The C type of a numpy type."""
    return f"{np.dtype(dtype).name}_t"


def array(ctype: str, name: str, values) -> str:
    """A constant array."""
    values = [str(int(value)) for value in np.asarray(values).ravel()]
    lines, line = [], "   "
    for value in values:
        if len(line) + len(value) > 115:
            lines.append(line)
            line = "   "
        line += f" {value},"
    return "\n".join([f"static const {ctype} {name}[{len(values)}] = {{", *lines, line, "};"])


def structure(kind: str, name: str, **fields) -> str:
    """A constant structure; tuples become arrays."""

    def shown(value):
        return f"{{{', '.join(map(str, value))}}}" if isinstance(value, tuple | list) else str(value)

    body = "\n".join(f"    .{field} = {shown(value)}," for field, value in fields.items())
    return f"static const struct {kind} {name} = {{\n{body}\n}};"
