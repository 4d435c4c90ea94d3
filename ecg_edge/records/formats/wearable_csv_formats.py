"""The CSV files of wearables that state their rate and unit: Apple Watch's export and Polar Sensor Logger's."""

import re
import warnings
from pathlib import Path

import numpy as np

from ecg_edge.records.formats.lead_signals import LARGEST_VALUES, FileSignal, make_record, select_leads, to_float32
from ecg_edge.records.formats.record_format import SingleFileFormat
from ecg_edge.records.formats.text_table import NUMBER, decode_text
from ecg_edge.records.record import STANDARD_LEADS, Entry, Record, standard_lead
from ecg_edge.records.record_error import RecordError, describe_error
from ecg_edge.records.units import millivolts_per

# "512 hertz" in the languages of iOS; the key before it is translated as well.
RATE = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*(?:hz|hertz|herz|hertzi?ä?|hertzů|hertzov|herců|герц\w*|гц|χερτζ|赫兹|赫茲|ヘルツ|헤르츠|هرتز|הרץ|เฮิรตซ์|हर्ट्ज़?)",
    re.IGNORECASE,
)
APPLE_LINES = 30  # the block of facts is shorter
POLAR_FS = 130.0  # Hz, of H10 and of the other sensors that record ECG
POLAR_TOLERANCE = 0.01  # by which a sensor's clock may differ


class AppleWatchFormat(SingleFileFormat):
    """Lines "key,value" in the user's language, then one value per line with a decimal point or comma."""

    name = "Apple Watch CSV"
    suffixes = (".csv",)
    shared_suffix = True

    def recognises(self, head: bytes) -> bool:
        try:
            facts, first = _read_facts(decode_text(head))
        except ValueError:
            return False
        return first > 2 and any(map(RATE.fullmatch, facts))

    def read(self, stem: Path, entry: Entry) -> Record:
        path, _ = self.open_main_file(stem)
        try:
            text = decode_text(Path(path).read_bytes())
        except ValueError as error:
            raise RecordError(f"{path} is damaged: {error}") from None
        facts, first = _read_facts(text)
        rate = next(found for fact in facts if (found := RATE.fullmatch(fact)))
        unit = next((fact for fact in facts if millivolts_per(fact) is not None), "")
        lead = next((fact for fact in facts if standard_lead(fact) in STANDARD_LEADS), "ECG")
        lines = [line.strip().strip('"') for line in text.splitlines()[first:]]
        values = [line for line in lines if line]
        wrong = next((i for i, line in enumerate(lines) if line and not NUMBER.fullmatch(line)), None)
        if wrong is not None or (any("," in line for line in values) and any("." in line for line in values)):
            raise RecordError(f"{path} is damaged: line {first + 1 + (wrong or 0)} is no value of the signal")
        fs = float(rate[1].replace(",", "."))
        signals = [FileSignal(lead, unit, fs, len(values))]
        _, (scale,), unit = select_leads(path, signals, entry, all_leads=True)
        signal = np.array([line.replace(",", ".") for line in values], np.float64) * scale
        return make_record(path, [lead], to_float32(signal)[:, None], fs, entry, unit)


class PolarFormat(SingleFileFormat):
    """Polar Sensor Logger: "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]", 130 Hz.

    The sensor's times tell where samples were lost: there is a gap.
    """

    name = "Polar CSV"
    suffixes = (".txt", ".csv")
    shared_suffix = True
    largest_bytes = 2**30

    def recognises(self, head: bytes) -> bool:
        names = _split_names(head)
        return names[0] == "phone timestamp" and "sensor timestamp [ns]" in names and "ecg [uv]" in names

    def read(self, stem: Path, entry: Entry) -> Record:
        path, _ = self.open_main_file(stem)
        times = _read_column(path, "sensor timestamp [ns]", np.int64)
        values = _read_column(path, "ecg [uv]", np.float64)
        places = _place_samples(path, times)
        samples = int(places[-1]) + 1 if len(places) else 0
        if samples > min(LARGEST_VALUES, 100 * len(places)):
            raise RecordError(f"{path} is interrupted for most of its time: cut it into parts")
        _, (scale,), unit = select_leads(path, [FileSignal("ECG", "uV", POLAR_FS, samples)], entry)
        signal = np.full((samples, 1), np.nan, np.float32)
        signal[places, 0] = values * scale
        return make_record(path, ["ECG"], signal, POLAR_FS, entry, unit)


def _read_facts(text: str) -> tuple[list[str], int]:
    """The values of the lines "key,value" above the signal, and the index of the signal's first line.

    Raises ValueError: there are no such lines with a signal behind them.
    """
    facts = []
    for i, line in enumerate(text.splitlines()[:APPLE_LINES]):
        line = line.strip()
        if NUMBER.fullmatch(line):
            return facts, i
        _, _, value = line.partition("," if "," in line else ";")
        facts.append(value.strip().strip('"').strip())
    raise ValueError("it holds no signal")


def _split_names(head: bytes) -> list[str]:
    """The names in the first line of a table with semicolons, in lower case."""
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return [
        name.strip().lower().replace("µ", "u").replace("μ", "u") for name in first.decode("utf-8", "ignore").split(";")
    ]


def _read_column(path: str, name: str, dtype: type) -> np.ndarray:
    """A column of a table with semicolons, (lines,). Raises RecordError: there are no lines, or one has no number."""
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")  # no lines
            column = _split_names(file.readline()).index(name)
            lines = (line.decode("latin-1") for line in file if line.strip())
            return np.loadtxt(lines, dtype, None, ";", usecols=column, ndmin=1)
    except (ValueError, OverflowError, UserWarning) as error:
        raise RecordError(f"{path} is damaged: {describe_error(error).partition(';')[0]}") from None


def _place_samples(path: str, times: np.ndarray) -> np.ndarray:
    """The place of each sample, int64: one after the other, except where the sensor's times leave room for lost ones.

    Raises RecordError: the times run backwards, or at another rate.
    """
    steps = np.diff(times) * (POLAR_FS / 1e9)
    if not len(times) or (steps <= 0).any():
        raise RecordError(f"{path} is damaged: the sensor's times in it do not increase")
    together = steps[steps < 1.5]
    if len(steps) and not (len(together) and abs(together.mean() - 1) < POLAR_TOLERANCE):
        raise RecordError(f"{path}: the sensor's times in it are not those of {POLAR_FS:g} Hz")
    return np.concatenate([[0], np.cumsum(np.maximum(1, np.rint(np.minimum(steps, 1e12)))).astype(np.int64)])
