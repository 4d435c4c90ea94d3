"""C text: constants, and the placeholders that kernels and statements are written with.

Kernels for both value types are kept once, as `ecg_*_sN.c`, and statements that call them are written the same way:

    $name        a symbol of the model: the model's prefix, an underscore, and the name
    $arena       and the other names of STATE, in functions: members of the structure with the memory of one signal
    $STATE       the parameter for that structure
    _sN          _s8 or _s16, in the names of functions, structures and files
    ecg_value    int8_t or int16_t, the type of a value; ECG_VALUE_BITS, ECG_VALUE_MIN, ECG_VALUE_MAX
    ecg_sum      int32_t or int64_t, the type of a sum of products
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */"
LINE = 115
STATE = ("arena", "window", "hidden", "cell", "row", "sums", "pushed", "blocks", "made", "slice", "turn", r"input_\w+")


def ctype(dtype) -> str:
    """The C type of a numpy type."""
    return f"{np.dtype(dtype).name}_t"


def array(ctype: str, name: str, values) -> str:
    """The definition of a constant array `$name`.

    Args:
        ctype: The C type of its values.
        name: Its name without the prefix.
        values: Integers of any shape, in C order.

    Returns:
        C text.
    """
    lines, line = [], "   "
    numbers = [str(int(value)) for value in np.asarray(values).ravel()]
    for number in numbers:
        if len(line) + len(number) > LINE:
            lines.append(line)
            line = "   "
        line += f" {number},"
    return "\n".join([f"static const {ctype} ${name}[{len(numbers)}] = {{", *lines, line, "};"])


def structure(kind: str, name: str, **fields: Any) -> str:
    """The definition of a constant structure `$name`.

    Args:
        kind: The structure's tag.
        name: Its name without the prefix.
        **fields: Its fields: integers, C expressions, or sequences of integers for arrays.

    Returns:
        C text.
    """

    def text(value):
        return f"{{{', '.join(map(str, value))}}}" if isinstance(value, tuple | list) else str(value)

    body = "\n".join(f"    .{field} = {text(value)}," for field, value in fields.items())
    return f"static const struct {kind} ${name} = {{\n{body}\n}};"


def for_bits(text: str, bits: int) -> str:
    """The text for values of 8 or 16 bits: placeholders replaced, `#if ECG_VALUE_BITS == N` decided.

    Args:
        text: C text, or the name of a kernel.
        bits: 8 or 16.

    Returns:
        C text without placeholders but `$`.
    """
    lines: list[str] = []
    kept: list[bool | None] = []  # of every open #if whether its lines are kept; None for one that is no placeholder
    for line in text.split("\n"):
        condition = re.fullmatch(r"#if ECG_VALUE_BITS == (\d+)", line)
        if condition:
            kept.append(int(condition[1]) == bits)
            continue
        if line.startswith("#if"):
            kept.append(None)
        elif line.startswith("#endif") and kept.pop() is not None:
            continue
        elif line == "#else" and kept and kept[-1] is not None:
            kept[-1] = not kept[-1]
            continue
        if False not in kept:
            lines.append(line)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    replaced = {
        r"_sN\b": f"_s{bits}",
        r"_SN_H\b": f"_S{bits}_H",
        r"\becg_value\b": f"int{bits}_t",
        r"\becg_sum\b": f"int{4 * bits}_t",
        r"\bECG_VALUE_(MIN|MAX)\b": rf"INT{bits}_\1",
        r"\bECG_VALUE_BITS\b": str(bits),
    }
    for pattern, replacement in replaced.items():
        text = re.sub(pattern, replacement, text)
    return text


def with_state(lines: Sequence[str]) -> list[str]:
    """Lines of functions in which the names of STATE are members of the parameter `state`."""
    members = re.compile(rf"\$({'|'.join(STATE)})\b")
    return [members.sub(r"state->\1", line).replace("$STATE", "struct $state *state") for line in lines]


def with_prefix(text: str, prefix: str) -> str:
    """The text with the model's prefix in the place of every `$`."""
    return text.replace("$", f"{prefix}_")


def comment(sentences: str | Sequence[str], indent: str = "") -> list[str]:
    """Lines of a C comment, wrapped at 120 columns."""
    import textwrap

    text = sentences if isinstance(sentences, str) else " ".join(sentences)
    wrapped = textwrap.wrap(f"{text} */", 114 - len(indent), break_long_words=False)
    return [f"{indent}{'/* ' if n == 0 else '   '}{line}" for n, line in enumerate(wrapped)]
