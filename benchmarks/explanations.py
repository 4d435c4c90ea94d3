"""Whether explanations point at the waves that make a diagnosis: the pointing game (Zhang et al., arXiv 1608.00507).

    python benchmarks/explanations.py [--run RUN]… [--data synthetic] [--data ludb] [--records 40]

The explanation of a label is summed over the leads and smoothed over 0.1 s. Its highest point is a hit where it lies on
the waves that define the label: for PVC the premature beat from the onset of its QRS complex to the end of its T wave,
for I-AVB the PR interval, for STE the ST segment. Chance is the share of the time that these waves take. Synthetic
recordings have their waves from the generator, those of LUDB from its cardiologists, in lead II. Without a run the tiny
preset of cnn_att_bilstm is trained on synthetic ECG; its recordings here have other seeds.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run
from scipy.stats import binomtest

from ecg_edge.api.explanation import OF_A_LABEL, explain_record
from ecg_edge.api.prediction import EcgModel, load
from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record import Record
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.records.synthetic_rhythms import EDGE, RHYTHMS, draw_beat_waves

REGIONS = {"PVC": "premature beat", "I-AVB": "PR interval", "STE": "ST segment"}
# What LUDB's headers call them.
LUDB = {"PVC": "Ventricular extrasystole", "I-AVB": "I degree AV block", "STE": "STEMI"}
FIRST_SEED = 2000  # of synthetic recordings, which no training has seen and no choice of a method
SMOOTH_S = 0.1
WIDE = 1.3  # times the median width of a QRS complex that no P wave precedes: a ventricular beat
LONGEST_PR = 0.6  # s

Spans = list[tuple[float, float]]  # start and end, s


@click.command()
@click.option("--run", "runs", multiple=True, type=click.Path(path_type=Path), metavar="RUN")
@click.option("--data", multiple=True, type=click.Choice(["synthetic", "ludb"]), default=["synthetic"])
@click.option("--method", multiple=True, type=click.Choice(OF_A_LABEL), default=OF_A_LABEL)
@click.option("--records", default=40, show_default=True, help="Of each label at most.")
@click.option("--epochs", default=40, show_default=True, help="Of the training, where there is no run.")
@result_option
def main(runs, data, method, records, epochs, result):
    import ecg_edge

    if not runs:
        folder = Path("runs") / "explanations-synthetic"
        runs = [ecg_edge.train("cnn_att_bilstm", "tiny", data="synthetic", epochs=epochs, folder=folder).path]
    rows = []
    for path in runs:
        model = load(path)
        trained = f"{model.metadata.architecture}, {model.metadata.preset}, {ecg_edge.Run(path).config['data']}"
        for database in data:
            for label in (label for label in REGIONS if label in model.labels):
                found = list(LISTS[database](label, records))
                for name in method if found else ():
                    rows.append({"model": trained, "data": database, "label": label, "region": REGIONS[label],
                                 "method": name, **play(model, found, label, name)})  # fmt: skip
    conditions = (
        f"at most {records} recordings of each label and data; smoothed over {SMOOTH_S:g} s; chance is the share "
    )
    report(result, "Pointing game of explanations", "measured", conditions + "of the time that the region takes", rows)


def play(model: EcgModel, found: list[tuple[Record, Spans, tuple[float, float]]], label: str, method: str) -> dict:
    """Play the pointing game on recordings: of how many the highest point lies in the region, and what chance gives."""
    hits, shares, weights, predicted = 0, [], [], 0
    for record, spans, (first, last) in found:
        assert record.signal is not None
        predicted += label in model.predict(record.signal, record.fs, record.leads).label.split()
        values = explain_record(model, record, method, label).values
        total = np.nan_to_num(values).sum(axis=1).clip(min=0)
        width = round(SMOOTH_S * model.fs)
        smooth = np.convolve(total, np.ones(width) / width, "same")
        times = (np.arange(len(total)) + 0.5) / model.fs
        looked = (times >= first) & (times < last)
        inside = np.any([(times >= start) & (times < stop) for start, stop in spans], axis=0) & looked
        hits += bool(inside[np.where(looked, smooth, -1).argmax()])
        shares.append(inside.sum() / looked.sum())
        weights.append(total[inside].sum() / max(total[looked].sum(), 1e-12))
    chance, count = float(np.mean(shares)), len(found)
    return {
        "recordings": count,
        "predicted": predicted,
        "hit_rate": round(hits / count, 3),
        "chance": round(chance, 3),
        "times_chance": round(hits / count / chance, 2),
        "p": float(f"{binomtest(hits, count, chance, alternative='greater').pvalue:.2g}"),
        "weight_inside": round(float(np.mean(weights)), 3),
    }


def list_synthetic(label: str, count: int) -> Iterator[tuple[Record, Spans, tuple[float, float]]]:
    """Synthetic recordings with the region of a label, and the time in which the waves are known."""
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        record = synthesise(label, seed)
        assert record.beats is not None
        waves = draw_beat_waves(RHYTHMS[label], np.random.default_rng([seed, *label.encode()]))
        times = record.beats.samples / record.fs
        stretch = np.sqrt(np.median(np.diff(times)))
        spans = []
        for time, symbol in zip(times, record.beats.symbols, strict=True):
            rows, recovery = waves[symbol].activation, waves[symbol].recovery
            starts, ends = rows[:, 0] - EDGE * rows[:, 1], rows[:, 0] + EDGE * rows[:, 1]
            qrs = starts > -0.1  # the P wave begins earlier
            plateau = recovery[2:, 0] * stretch  # of the ST segment; the first two rows are the T wave
            after = {"PVC": (starts.min(), (recovery[1, 0] + EDGE * recovery[1, 1]) * stretch),
                     "I-AVB": (starts.min(), starts[qrs].min()),
                     "STE": (ends.max(), plateau.max())}[label]  # fmt: skip
            if label != "PVC" or symbol == "V":
                spans.append((time + after[0], time + after[1]))
        yield record, spans, (0.0, record.seconds)


def list_ludb(label: str, count: int) -> Iterator[tuple[Record, Spans, tuple[float, float]]]:
    """Recordings of LUDB with the region of a label, and the time in which their waves are annotated."""
    _, folder = locate("ludb")
    headers = sorted(folder.joinpath("data").glob("*.hea"), key=lambda path: int(path.stem))
    named = [path for path in headers if f"#{LUDB[label]}" in path.read_text(errors="replace")]
    for path in named[:count]:
        waves = read_waves(path.with_suffix(""))
        spans = find_spans(waves, label)
        if spans:
            yield read_record(path.with_suffix("")), spans, (waves[0][1], waves[-1][2])


def read_waves(path: Path) -> list[tuple[str, float, float]]:
    """The waves of lead II in order of time: "p", "N" (QRS complex) or "t", start and end in s."""
    import wfdb

    marks = wfdb.rdann(str(path), "ii")
    times, symbols = np.asarray(marks.sample) / 500.0, [*(marks.symbol or ())]
    return [
        (symbols[i], float(times[i - 1]), float(times[i + 1]))
        for i in range(1, len(symbols) - 1)
        if symbols[i] in ("p", "N", "t") and symbols[i - 1] == "(" and symbols[i + 1] == ")"
    ]


def find_spans(waves: list[tuple[str, float, float]], label: str) -> Spans:
    """The region of a label in annotated waves."""
    median = np.median([end - start for kind, start, end in waves if kind == "N"])
    spans = []
    for i, (kind, start, end) in enumerate(waves):
        if kind != "N":
            continue
        before = waves[i - 1] if i else ("", 0.0, 0.0)
        after = waves[i + 1] if i + 1 < len(waves) else ("", 0.0, 0.0)
        if label == "I-AVB" and before[0] == "p" and start - before[1] < LONGEST_PR:
            spans.append((before[1], start))
        elif label == "STE" and after[0] == "t":
            spans.append((end, after[1]))
        elif label == "PVC" and before[0] != "p" and end - start >= WIDE * median:
            spans.append((start, after[2] if after[0] == "t" else end))
    return spans


LISTS = {"synthetic": list_synthetic, "ludb": list_ludb}

if __name__ == "__main__":
    run(main)
