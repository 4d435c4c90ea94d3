"""Global average pooling of an LSTM's output: the rows are accumulated as they are computed, and not stored."""

from collections.abc import Sequence

from export.c99.steps import LstmStep, Step, TimeMeanStep


def accumulate_means(steps: Sequence[Step]) -> None:
    """Let an LSTM whose rows only a mean over time reads add them up instead of storing them.

    Args:
        steps: The steps of a program, whose storages know their consumers; changed in place.
    """
    producers = {step.output.storage: step for step in steps}
    for step in steps:
        if not isinstance(step, TimeMeanStep):
            continue
        for view, offset in zip(step.inputs, step.sums_offsets(), strict=True):
            producer = producers.get(view.storage)
            is_only_reader = view.storage.consumers == [step] and not view.storage.is_output
            if isinstance(producer, LstmStep) and is_only_reader:
                producer.sums_offset = offset
                step.accumulated.add(view.storage)
