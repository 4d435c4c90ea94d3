"""The size of a structure in a generated header, as on a 32-bit core: what a compiler for Cortex-M says."""

import ast
import re
from collections.abc import Mapping

SIZES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int": 4, "int64_t": 8}
POINTER = 4
COMMENT = re.compile(r"/\*.*?\*/", re.S)
MACRO = re.compile(r"^#define (\w+) (\(?[\w *+()-]+?)u?$", re.M)
BLOCK = re.compile(r"(struct|union)\s*(\w*)\s*\{([^{}]*)\}\s*(\w*)\s*;")  # one that holds no other
MEMBER = re.compile(r"^(?:(?:const|volatile)\s+)*((?:(?:struct|union)\s+)?\w+)\s*(\*?)\s*(\w+)((?:\[[^]]+\])*)$")


def measure_struct(headers: Mapping[str, str], name: str) -> dict[str, int]:
    """Measure a structure.

    Args:
        headers: Text of each header that declares it, what it holds, and macros of lengths.
        name: Its tag.

    Returns:
        Member → bytes, and "total", which holds gaps between members as well.

    Raises:
        ValueError: Something in it is not known.
    """
    text = COMMENT.sub("", "\n".join(headers.values()))
    macros = dict(MACRO.findall(text))
    blocks: list[tuple[str, str]] = []  # kind and tag, and the members
    while block := BLOCK.search(text):
        kind, tag, body, member = block.groups()
        whole = f"{kind} {tag or f'unnamed_{len(blocks)}'}"
        blocks.append((whole, body))
        text = text[: block.start()] + (f"{whole} {member};" if member else "") + text[block.end() :]
    sizes = {kind: (size, size) for kind, size in SIZES.items()}  # bytes and alignment
    waiting = dict(blocks)
    while waiting:
        measured = {whole: _measure_members(body, macros, sizes, whole) for whole, body in waiting.items()}
        known = {whole: members for whole, members in measured.items() if members is not None}
        if f"struct {name}" in known:
            total, _, own = known[f"struct {name}"]
            return {**own, "total": total}
        if not known:
            break
        sizes |= {whole: (total, alignment) for whole, (total, alignment, _) in known.items()}
        waiting = {whole: body for whole, body in waiting.items() if whole not in known}
    raise ValueError(f"struct {name} holds something of unknown size")


def _measure_members(
    body: str, macros: Mapping[str, str], sizes: Mapping[str, tuple[int, int]], whole: str
) -> tuple[int, int, dict[str, int]] | None:
    """Bytes, alignment and the bytes of each member; None: one is not known."""
    total, widest, own = 0, 1, {}
    for line in filter(None, (" ".join(line.split()) for line in body.split(";"))):
        matched = MEMBER.match(line)
        if matched is None or not (matched[2] or matched[1] in sizes):
            return None
        size, alignment = (POINTER, POINTER) if matched[2] else sizes[matched[1]]
        for length in re.findall(r"\[([^]]+)\]", matched[4]):
            size *= _evaluate(length, macros)
        own[matched[3]] = size
        total = max(total, size) if whole.startswith("union") else _align(total, alignment) + size
        widest = max(widest, alignment)
    return _align(total, widest), widest, own


def _align(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _evaluate(text: str, macros: Mapping[str, str]) -> int:
    """The value of a length: whole numbers, macros of such, sums, differences and products."""
    while (named := re.sub(r"\b[A-Za-z_]\w*", lambda match: f"({macros[match[0]]})", text)) != text:
        text = named
    return _compute(ast.parse(re.sub(r"(?<=\d)u", "", text), mode="eval").body)


def _compute(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _compute(left) + _compute(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _compute(left) - _compute(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _compute(left) * _compute(right)
    raise ValueError("a length that is no sum or product")
