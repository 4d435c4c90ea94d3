"""Beats at detected R peaks, evaluated against annotated beats: what a classifier is worth behind a detector.

R peaks are detected in the prepared signal as a device does, in integers. Windows, RR intervals and the labels before a
beat are those of the detections. A detection within 150 ms of an annotated beat, as in ANSI/AAMI EC57, has its class; a
beat without one is missed, a detection without a beat is false.
"""

import dataclasses

import numpy as np

from ecg_edge.data.recordings import Recordings
from ecg_edge.evaluation.beat_detection import WINDOW_S, match_beats
from ecg_edge.signals.preprocessing import find_flat_leads
from ecg_edge.signals.r_peaks import choose_lead, detect_r_peaks_causal
from ecg_edge.tasks.beat_examples import BeatExamples
from ecg_edge.tasks.beat_history import FUSION, UNKNOWN, aami_classes, unknown_classes
from ecg_edge.tasks.beat_rhythm import BeatRhythmTask
from ecg_edge.tasks.beats import NO_BEAT, BeatsTask


class DetectedBeatRhythmTask(BeatRhythmTask):
    """The task `beat_rhythm` from detected R peaks; for evaluations. The bouts are the annotated ones.

    Args:
        leads: as of DetectedBeatsTask.
    """

    def __init__(self, classes, options=None, decision=None, hides=False, leads: tuple[str, ...] = ()):
        super().__init__(classes, options, decision, hides)
        self.leads = leads

    def make_examples(self, windows):
        recordings = windows.recordings
        positions = np.unique(windows.records)
        times = [_detect(recordings.signal(position), self.leads, windows.window.fs) for position in positions]
        detected = _replace_beats(recordings, positions, [peaks / windows.window.fs for peaks in times])
        return super().make_examples(dataclasses.replace(windows, recordings=detected))


class DetectedBeatsTask(BeatsTask):
    """The task `beats` at detected R peaks; for evaluations.

    Args:
        leads: names of the signals' leads, of which one is chosen to detect R peaks in.
    """

    def __init__(self, classes, options=None, decision=None, labels=None, leads: tuple[str, ...] = ()):
        super().__init__(classes, options, decision, labels)
        self.leads = leads

    def _with_labels(self, labels):
        return DetectedBeatsTask(self.classes, self.options, self.decision, labels, self.leads)

    def examples(self, recordings, names, window, training=False):
        """One example per detection, but for those at unclassifiable beats; then one per missed beat, at -1."""
        positions = recordings.positions(names)
        times, classes, missed = [], [], []
        for position in positions:
            annotated, symbols = recordings.beats(position)
            peaks = _detect(recordings.signal(position), self.leads, window.fs)
            pairs = match_beats(annotated * window.fs, peaks, WINDOW_S * window.fs)
            true, said = aami_classes(symbols), np.full(len(peaks), NO_BEAT, np.int8)
            said[pairs[:, 1]] = true[pairs[:, 0]]
            lost = np.delete(true, pairs[:, 0])
            times.append(peaks / window.fs)
            classes.append(said)
            missed.append(lost[lost >= 0])
        detected = _replace_beats(recordings, positions, times)
        targets = np.concatenate([np.zeros(0, np.int8), *classes])
        found = np.flatnonzero(targets >= 0)
        records = np.repeat(positions, [len(own) for own in times])[found]
        starts = np.round(detected.beat_times[found] * window.fs).astype(np.int64) - window.samples // 2
        lost_records = np.repeat(positions, [len(lost) for lost in missed])
        nowhere = np.full(len(lost_records), -1)
        starts = np.concatenate([starts, nowhere])
        known = np.where(targets < FUSION, targets, UNKNOWN).astype(np.int8)
        return BeatExamples(
            detected,
            window,
            np.concatenate([records, lost_records]),
            starts,
            np.concatenate([targets[found], *missed]).astype(np.int64),
            starts,
            starts,
            beats=np.concatenate([found, nowhere]),
            known=known if self.options.labels == "true" else unknown_classes(len(known)),
            relative=self.measure_relative(detected, positions, window),
        )

    def predict(self, predictor, examples: BeatExamples, advance=lambda examples: None):
        """The probabilities of detections, zeros for missed beats."""
        summaries = np.zeros((len(examples), len(self.classes)), np.float32)
        found = np.flatnonzero(examples.beats >= 0)
        summaries[found] = super().predict(predictor, examples.take(found), advance)
        return summaries


def _detect(signal, leads, fs):
    return detect_r_peaks_causal(signal[:, choose_lead(leads, find_flat_leads(signal))], fs)


def _replace_beats(recordings: Recordings, positions: np.ndarray, times: list[np.ndarray]) -> Recordings:
    """The recordings with the beats `times`, s, at `positions`, and none elsewhere."""
    counts = np.zeros(len(recordings.entries), np.int64)
    counts[positions] = [len(own) for own in times]
    return dataclasses.replace(
        recordings,
        beat_starts=np.concatenate([[0], np.cumsum(counts)]),
        beat_times=np.concatenate([np.zeros(0), *times]),
        beat_symbols=np.full(counts.sum(), "?", "S1"),
        key="",
    )
