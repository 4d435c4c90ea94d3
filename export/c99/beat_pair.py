"""A beat classifier and the model that takes its features, as one program is made of them."""

import dataclasses

from export.c99.reference_kernels import ReferenceModel
from firmware_bench.front_end.beat_plan import BeatPlan, plan_beats
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import Tensor


@dataclasses.dataclass(frozen=True)
class BeatPair:
    """Both models with LiteRT's reference kernels, what their programs' names begin with, and the plan of their path.

    Attributes:
        rhythm, classifier: The models.
        sensor: The sensor.
        prefix, beats_prefix: Of the names of their programs.
        plan: The integers of the path.
    """

    rhythm: ReferenceModel
    classifier: ReferenceModel
    sensor: Sensor
    prefix: str
    beats_prefix: str
    plan: BeatPlan

    def input(self, name: str) -> Tensor:
        """Return an input of the classifier."""
        return next(tensor for tensor in self.classifier.inputs if tensor.name == name)

    def row(self, name: str) -> Tensor:
        """Return an input of the model that takes features."""
        return next(tensor for tensor in self.rhythm.inputs if tensor.name == name)

    @property
    def most_outputs(self) -> int:
        """Outputs of the answer that has most."""
        return max(len(self.plan.beat_decision.labels), len(self.plan.rhythm_decision.labels))


def plan_pair(data: bytes, beats: bytes, sensor: Sensor, prefix: str, beats_prefix: str) -> BeatPair:
    """Plan the program of a pair of files.

    Args:
        data: The file of the model that takes features.
        beats: The file of the beat classifier.
        sensor: The sensor.
        prefix: What the names of the model's program begin with.
        beats_prefix: What those of the classifier's program begin with.

    Raises:
        InputError: There is no path from the sensor's counts to the models.
    """
    rhythm, classifier = ReferenceModel(data), ReferenceModel(beats)
    plan = plan_beats(rhythm, classifier, sensor)
    for model, decision in ((rhythm, plan.rhythm_decision), (classifier, plan.beat_decision)):
        if decision.thresholds is not None or decision.probabilities is None:
            raise InputError(f"{model.name} does not give one class: there is no path of beats to it")
    rows = next(tensor for tensor in rhythm.inputs if tensor.name == "features").shape[1]
    if rows % 2:
        raise InputError(f"{rhythm.name} takes {rows} beats: train with an even number")
    return BeatPair(rhythm, classifier, sensor, prefix, beats_prefix, plan)
