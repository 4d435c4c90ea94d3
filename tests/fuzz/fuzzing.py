"""Fuzzing of everything that reads what comes from a file, a network or a device.

A target reads damaged content and says what is wrong with the answer. It runs in a child process, because a parser in
C may end the process: a crash, more than ATTEMPT_SECONDS or more than ATTEMPT_BYTES of memory is wrong as well.
"""

import abc
import dataclasses
import importlib
import multiprocessing
import pkgutil
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from firmware_bench.runtime.errors import InputError
from fuzz import targets
from fuzz.mutation import mutate

ATTEMPT_SECONDS = 10.0
ATTEMPT_BYTES = 2 * 2**30


class FuzzTarget(abc.ABC):
    """Something that reads untrusted content. One module of fuzz.targets per target; its TARGET is an object.

    Attributes:
        name: As the result and --target call it.
        is_slow: Whether it imports Keras or starts a process for each attempt, so that quick tests leave it out.
    """

    name: str
    is_slow = False

    @abc.abstractmethod
    def prepare(self, folder: Path) -> Sequence[bytes]:
        """Make sound contents to damage. `folder` stays until the child ends, for files that the attempts share."""

    def damage(self, content: bytes, random: random.Random) -> bytes:
        """Damage a sound content; by default anywhere."""
        return mutate(content, random)

    @abc.abstractmethod
    def attempt(self, content: bytes, folder: Path) -> str | None:
        """Read `content`.

        Args:
            content: As `damage` returned it.
            folder: Empty, for this attempt alone.

        Returns:
            What is wrong, in one line; None where the answer is true.

        Raises:
            InputError: The content is refused, which is right if `check_refusal` finds nothing.
        """

    def check_refusal(self, message: str) -> str | None:
        """What is wrong with a refusal: by default more than one line, control characters or nothing at all."""
        if not message.strip() or not message.isprintable():
            return f"refused by {message!r}, which is not one printable line"
        return None


@dataclasses.dataclass(frozen=True)
class WrongAnswer:
    """An attempt that went wrong: its number, what is wrong, and the content that did it."""

    number: int
    text: str
    content: bytes


@dataclasses.dataclass
class FuzzResult:
    """What came of fuzzing a target: how many contents were tried and refused, and every wrong answer."""

    target: str
    tried: int = 0
    refused: int = 0
    wrong: list[WrongAnswer] = dataclasses.field(default_factory=list)


def load_targets() -> dict[str, FuzzTarget]:
    """Every target by name."""
    modules = [
        importlib.import_module(f"fuzz.targets.{found.name}") for found in pkgutil.iter_modules(targets.__path__)
    ]
    return {module.TARGET.name: module.TARGET for module in modules}


def describe(target: FuzzTarget) -> str:
    """What the target reads: the first sentence of its module."""
    return (sys.modules[type(target).__module__].__doc__ or "").partition(".")[0].partition(":")[0].replace("\n", " ")


def fuzz(target: FuzzTarget, seconds: float, seed: int = 0, maximum: int | None = None, first: int = 0) -> FuzzResult:
    """Fuzz a target, in children of this process. Attempt number n is the same whenever the seed is.

    Args:
        target: The target.
        seconds: How long.
        seed: Decides the damages.
        maximum: The most attempts; None: as many as the time allows.
        first: The number of the first attempt, to repeat one.

    Returns:
        The counts and the wrong answers.
    """
    return _run(target, seconds, seed, maximum, first)


def read_sound(target: FuzzTarget) -> FuzzResult:
    """Read every sound content of a target, none of which may be refused, in children of this process."""
    return _run(target, 120.0, None, None, 0)


def _run(target, seconds, seed, maximum, first) -> FuzzResult:
    result, end = FuzzResult(target.name), time.monotonic() + seconds
    last = None if maximum is None else first + maximum
    context = multiprocessing.get_context("spawn")
    while time.monotonic() < end and (maximum is None or result.tried < maximum):
        ours, theirs = context.Pipe()
        arguments = target.name, seed, first + result.tried, last, end - time.monotonic(), theirs
        child = context.Process(target=_run_child, args=arguments, daemon=True)
        child.start()
        theirs.close()
        for number, outcome, text, content in _receive(ours, child):
            result.tried = number + 1 - first
            result.refused += outcome == "refused"
            if outcome == "wrong":
                result.wrong.append(WrongAnswer(number, text, content))
        child.kill()
        child.join()
        if seed is None and child.exitcode == 0:
            break  # every sound content was read
    return result


def _receive(pipe, child) -> Iterator[tuple[int, str, str, bytes]]:
    """What the child says of each attempt, and of the one in which it fell silent or ended, and the content."""
    limit, number, content = 120.0, 0, b""  # the child imports and prepares first
    while True:
        if not pipe.poll(limit):
            yield number, "wrong", f"no answer within {limit:g} s", content
            return
        try:
            message = pipe.recv()
        except EOFError:
            child.join(5)
            if child.exitcode != 0:
                yield number, "wrong", f"the process ended with {child.exitcode}", content
            return
        limit = ATTEMPT_SECONDS
        if isinstance(message[-1], bytes):
            number, content = message
        else:
            yield number, *message, content


def _run_child(name, seed, first, last, seconds, pipe):
    end, target = time.monotonic() + seconds, load_targets()[name]
    with tempfile.TemporaryDirectory() as folder:
        contents = target.prepare(Path(folder))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        # A child of an attempt may raise its own limit: the address sanitizer reserves terabytes.
        resource.setrlimit(resource.RLIMIT_AS, (used + ATTEMPT_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
        number = first
        last = len(contents) if seed is None else last
        while time.monotonic() < end and (last is None or number < last):
            content = contents[number] if seed is None else _damage(target, contents, seed, number)
            pipe.send((number, content))
            pipe.send(_attempt(target, content))
            number += 1


def _attempt(target, content) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            text = target.attempt(content, Path(folder))
        except InputError as error:
            text = target.check_refusal(str(error))
            return ("wrong", text) if text else ("refused", "")
        except BaseException as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            return "wrong", f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"[:300]
    return ("wrong", text) if text else ("read", "")


def _damage(target, contents, seed, number) -> bytes:
    dice = random.Random(f"{seed}/{target.name}/{number}")
    return target.damage(dice.choice(contents), dice)
