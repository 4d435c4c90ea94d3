"""A sensor's counts in a stream of bytes, of standard input, a serial port or anything else."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ecg_edge.api.live_signal import LiveSignal
from ecg_edge.extras import require
from ecg_edge.records.record import standard_lead, standard_lead_names
from ecg_edge.reporter import Reporter
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.metadata import ModelMetadata

FORMATS = {
    "int16": "int16, little-endian, the leads of a sample one after the other",
    "csv": "a line for each sample, commas between its leads",
    "text": "a line for each sample, blanks between its leads",
}
LONGEST_LINE = 4096  # bytes
SILENCE_S = 5.0  # without a byte from a serial port, until a line says so


class CountStream:
    """Counts of a sensor in a stream of bytes.

    A missing sample is -32768; in lines also an empty field or NaN. A line that is no sample counts as a missing one;
    the first such line is reported, and at the end how many there were. A first line of words is a header and is
    skipped. Numbers are rounded to whole ones, and clipped to 16 bits.

    Args:
        chunks: The bytes as they arrive, in pieces of any length.
        sensor: What the counts mean; gains and baselines for all leads, or for each of `leads`.
        form: A key of FORMATS: "int16", "csv" or "text".
        leads: Names of the leads in the stream; (): those of the model, in its order.

    Raises:
        InputError: There is no such format.

    Examples:
        >>> sensor = ecg_edge.Sensor(fs=250.0, counts_per_unit=(200.0,))
        >>> source = ecg_edge.CountStream(iter(lambda: sys.stdin.buffer.read1(4096), b""), sensor, "csv")
    """

    def __init__(self, chunks: Iterable[bytes], sensor: Sensor, form: str = "csv", leads: Sequence[str] = ()):
        if form not in FORMATS:
            raise unknown_name("format", form, FORMATS)
        self._chunks, self._sensor, self._form, self._leads = chunks, sensor, form, tuple(leads)

    def open(self, metadata: ModelMetadata, reporter: Reporter) -> LiveSignal:
        """Begin the signal: see `ecg_edge.api.live_signal.LiveSource`."""
        names = self._leads or metadata.leads
        columns = _find_columns(names, metadata.leads) if self._leads else list(range(len(names)))
        sensor = Sensor(
            self._sensor.fs or metadata.fs,
            _select(self._sensor.counts_per_unit, columns, len(names)),
            _select(self._sensor.baselines, columns, len(names)),
            self._sensor.lowest,
            self._sensor.highest,
        )
        assert sensor.fs is not None
        return LiveSignal(sensor, sensor.fs, self._decode(len(names), columns, reporter))

    def _decode(self, width: int, columns: list[int], reporter: Reporter) -> Iterator[np.ndarray]:
        decoder = CountDecoder(self._form, width, reporter.message)
        for chunk in self._chunks:
            yield decoder.push(chunk)[:, columns]
        yield decoder.end()[:, columns]


def _find_columns(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    own = {name: column for column, name in enumerate(standard_lead_names(names))}
    own |= {f"lead {column + 1}": column for column in range(len(names))}
    for lead in wanted:
        if standard_lead(lead) not in own:
            raise InputError(f"the model takes lead {lead!r}, and the stream's leads are {', '.join(names)}")
    return [own[standard_lead(lead)] for lead in wanted]


def _select(values: tuple, columns: list[int], width: int) -> tuple:
    if len(values) not in (1, width):
        raise InputError(f"the sensor has {len(values)} gains or baselines, and the stream {width} leads")
    return values if len(values) == 1 else tuple(values[column] for column in columns)


class CountDecoder:
    """Turns bytes in pieces of any length into samples.

    Args:
        form: A key of FORMATS.
        width: Leads of a sample.
        complain: Receives what is wrong, one line each time.
    """

    def __init__(self, form: str, width: int, complain: Callable[[str], None]):
        self._form, self._width, self._complain = form, width, complain
        self._rest, self._lines, self._broken = b"", 0, 0

    def push(self, chunk: bytes) -> np.ndarray:
        """Take bytes → the samples that are complete, int16 (samples, leads)."""
        content = self._rest + chunk
        if self._form == "int16":
            size = len(content) // (2 * self._width) * (2 * self._width)
            self._rest = content[size:]
            return np.frombuffer(content[:size], "<i2").reshape(-1, self._width)
        *lines, rest = content.split(b"\n")
        self._rest = rest[: LONGEST_LINE + 1]
        return self._parse(lines)

    def end(self) -> np.ndarray:
        """Say what was wrong, and return the last sample where no line end followed it."""
        last, self._rest = self._rest, b""
        if self._form == "int16":
            if last:
                self._complain(f"the last {len(last)} bytes are no sample of {self._width} leads in 16 bits")
            return np.zeros((0, self._width), np.int16)
        samples = self._parse([last] if last.strip() else [])
        if self._broken:
            self._complain(f"{self._broken:,} of {self._lines:,} lines were no samples and count as missing")
        return samples

    def _parse(self, lines: list[bytes]) -> np.ndarray:
        rows = []
        for line in lines:
            self._lines += 1
            fields = line.split(b",") if self._form == "csv" else line.split()
            if self._lines == 1 and fields and not any(map(_is_number, fields)) and line.strip(b", \r\t"):
                continue
            try:
                rows.append(self._parse_fields(line, fields))
            except ValueError as error:
                self._broken += 1
                if self._broken == 1:
                    text = _quote(line, 60)
                    self._complain(f"line {self._lines} is no sample and counts as missing: {text}: {error}")
                rows.append([math.nan] * self._width)
        values = np.rint(np.array(rows, np.float64).reshape(-1, self._width))
        missing = np.isnan(values) | (values == MISSING)
        return np.where(missing, MISSING, np.clip(values, -32767, 32767)).astype(np.int16)

    def _parse_fields(self, line: bytes, fields: list[bytes]) -> list[float]:
        """Raises ValueError: the line is no sample."""
        if len(line) > LONGEST_LINE:
            raise ValueError(f"it has more than {LONGEST_LINE:,} bytes")
        if len(fields) != self._width:
            raise ValueError(f"number of values: {len(fields)}, not {self._width}")
        values = [_parse_number(field) if field.strip() else math.nan for field in fields]
        if any(map(math.isinf, values)):
            raise ValueError("it has an infinite value")
        return values


def _parse_number(field: bytes) -> float:
    """Raises ValueError, in a few words: the field is no number."""
    try:
        if b"_" not in field:  # which Python's numbers may have
            return float(field)
    except ValueError:
        pass
    raise ValueError(f"{_quote(field, 30)} is no number")


def _quote(text: bytes, length: int) -> str:
    """`text` between quotation marks in ASCII, with escapes, at most `length` characters of it."""
    quoted = ascii(text[:length].strip().decode("latin-1"))
    return quoted if len(quoted) <= length + 2 else f"{quoted[: length - 2]}...{quoted[0]}"


def _is_number(field: bytes) -> bool:
    """Whether a field of the first line states a count, finite or NaN, so that the line is no line of titles."""
    try:
        return not math.isinf(_parse_number(field))
    except ValueError:
        return False


def read_standard_input() -> Iterator[bytes]:
    """Read standard input.

    Yields:
        The bytes as they arrive, until its end.
    """
    while chunk := os.read(0, 1 << 16):  # what is there, and not first 64 KiB
        yield chunk


def open_serial(port: str, baud: int = 115_200, reporter: Reporter | None = None) -> Iterator[bytes]:
    """Open a serial port. It needs the extra `serial`.

    Args:
        port: The port, such as "/dev/ttyUSB0" or "COM3".
        baud: Its rate, bit/s.
        reporter: Receives a message where nothing arrives for SILENCE_S.

    Returns:
        The bytes as they arrive, until the port disappears.

    Raises:
        InputError: pyserial is not installed, or the port cannot be opened. While it is read: the port disappeared.

    Examples:
        >>> source = ecg_edge.CountStream(ecg_edge.open_serial("/dev/ttyUSB0"), sensor, "csv")
    """
    require("serial", "a serial port")
    import serial

    try:
        opened = serial.Serial(port, baud, timeout=SILENCE_S)
    except (OSError, ValueError) as error:
        raise InputError(f"{port} cannot be opened as a serial port: {error}") from None
    return _read_port(opened, reporter or Reporter())


def _read_port(opened, reporter: Reporter) -> Iterator[bytes]:
    was_silent = False
    with opened:
        while True:
            try:
                chunk = opened.read(1) + opened.read(opened.in_waiting)
            except OSError as error:
                raise InputError(f"{opened.port} disappeared: {error}") from None
            if not chunk and not was_silent:
                reporter.message(f"nothing arrives from {opened.port}: check the sensor and --baud {opened.baudrate}")
            was_silent = not chunk
            yield chunk
