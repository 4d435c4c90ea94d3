"""C identifiers: the prefix of a model's symbols, and the names of its inputs and outputs."""

import re
from collections.abc import Sequence

from firmware_bench.runtime.errors import InputError

C_KEYWORDS = """
    alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern false
    float for goto if inline int long nullptr register restrict return short signed sizeof static static_assert struct
    switch thread_local true typedef typeof union unsigned void volatile while
"""
CPP_KEYWORDS = """
    and and_eq bitand bitor catch class co_await co_return co_yield compl concept const_cast consteval constinit
    decltype delete dynamic_cast explicit export final friend import module mutable namespace new noexcept not not_eq
    operator or or_eq override private protected public reinterpret_cast requires static_cast template this throw try
    typeid typename using virtual xor xor_eq
"""
STANDARD_NAMES = """
    abs arm assert ceil cos div errno exp far floor gamma index interrupt j0 j1 jn linux log main memcmp memcpy memmove
    memset near offsetof pow printf rand round signal sin sqrt strlen tan time unix y0 y1 yn
"""
LOCAL_VARIABLES = "count i inside s sample share state t"  # of the functions that the generator writes
RESERVED = {word for words in (C_KEYWORDS, CPP_KEYWORDS, STANDARD_NAMES, LOCAL_VARIABLES) for word in words.split()}
STANDARD_HEADERS = """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint
    stdio stdlib string tgmath time wchar wctype
"""
PLACEHOLDERS = ("ecg_value", "ecg_sum")  # of c_text
TEST_FILES = ("test", "test_replay", "test_signal", "test_trace", "test_vector")
PREFIX_LENGTH = 24  # C99 compares the first 31 characters of external names: a prefix and "_reset"
DEFAULT_PREFIX = "model"


def identifier(text: str) -> str:
    """`text` in lower case, with one underscore in the place of characters that a C identifier cannot hold."""
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", text.lower())).strip("_")


def argument_names(inputs: Sequence[str], outputs: Sequence[str]) -> tuple[str, ...]:
    """The C names of a model's inputs and outputs.

    A name that is a keyword of C or C++, a standard name, one of the generator's own, or taken already gets `_input` or
    `_output` behind it, and a number where that is taken, too.

    Args:
        inputs: The names of the inputs in the file.
        outputs: The names of the outputs in the file.

    Returns:
        The names of the inputs and then of the outputs, all different.
    """
    found: list[str] = []
    for kind, names in (("input", inputs), ("output", outputs)):
        for name in map(identifier, names):
            if name[:1].isdigit():
                name = f"{kind}_{name}"
            if not name or name in RESERVED or name in found or name.startswith("ecg_") or name.endswith("_t"):
                name = f"{name}_{kind}".strip("_")
            base, number = name, 2
            while name in found:
                name, number = f"{base}_{number}", number + 1
            found.append(name)
    return tuple(found)


def default_prefix(architecture: str, bits: int) -> str:
    """The prefix of a model that is given none.

    Args:
        architecture: The architecture that the file's metadata name, or "".
        bits: Of the activations. A 16-bit model says so in its prefix, so that it links with the 8-bit one.

    Returns:
        A prefix that `check_prefix` accepts.
    """
    end = "" if bits == 8 else f"_int{bits}"
    name = identifier(architecture)[: PREFIX_LENGTH - len(end)].strip("_")
    return (name if name[:1].isalpha() and name not in PLACEHOLDERS else DEFAULT_PREFIX) + end


def check_prefix(prefix: str, names: Sequence[str], kernels: Sequence[str]) -> None:
    """Raise InputError for a prefix with which the program does not compile.

    Args:
        prefix: What every symbol, macro and file of the model begins with.
        names: The C names of the inputs and outputs.
        kernels: The kernel files without their endings.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", prefix) or len(prefix) > PREFIX_LENGTH or "__" in prefix:
        raise InputError(
            f"prefix {prefix!r}: use at most {PREFIX_LENGTH} lower-case letters, digits and single underscores, "
            "a letter first"
        )
    if prefix in {*STANDARD_HEADERS.split(), *TEST_FILES, *PLACEHOLDERS, *kernels}:
        raise InputError(f"prefix {prefix!r} is the name of another header: choose another prefix")
    for name in names:
        if name.startswith(f"{prefix}_"):
            raise InputError(f"prefix {prefix!r} begins the name {name!r} of an input or output: choose another prefix")
