"""The run whose weights a training starts from."""

from collections.abc import Sequence

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.recordings import Recordings
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from firmware_bench.runtime.errors import InputError

LEAST_COPIED_SHARE = 0.1  # of the parameters: biases alone happen to fit


def copy_initial_weights(source: Run, model, classes: Sequence[str], reporter: Reporter) -> None:
    """Start `model`, of these classes, from the weights of a run. Raises InputError: hardly any of them fits."""
    from ecg_edge.training.initial_weights import copy_weights

    copied = copy_weights(source.model(), model, source.config["classes"], list(classes))
    if copied.share < LEAST_COPIED_SHARE:
        raise InputError(f"the weights of {source.path} do not fit: {copied.describe()}")
    reporter.message(f"initial weights of {source.path}: {copied.describe()}")


def warn_of_learnt_tests(
    source: Run, dataset: Dataset, recordings: Recordings, names: Sequence[str], reporter: Reporter
) -> None:
    """Warn where recordings of the test part took part in training the run of the initial weights."""
    tested = set(names)
    entries = [entry for entry in dataset.entries if entry.name in tested]
    if shared := source.identities.find_shared(entries, recordings.digests):
        reporter.message(
            f"warning: {len(shared)} of {len(entries)} test recordings (first: {next(iter(shared))}) or their patients "
            f"took part in training {source.path}: an evaluation has to leave them out. Other databases there, or the "
            "same split, keep the test part whole"
        )
