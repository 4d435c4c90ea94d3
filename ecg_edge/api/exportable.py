"""What the export makes of every architecture, before any is trained."""

from typing import Any

from ecg_edge.keras_backend import restart_layer_numbers
from ecg_edge.tasks import TASKS
from ecg_edge.training.config import SignalConfig
from models_keras.registry import find, names

PRESET = "tiny"


def describe_architectures() -> dict[str, dict[str, str | None]]:
    """Return what the export makes of every architecture's tiny preset, without training.

    Returns:
        Architecture → form of the export, "integers" or "stream" → None where there is one, or the reason why not.
    """
    from export.convert.layer_forms import describe_forms

    found = {}
    for name in names():
        restart_layer_numbers()
        architecture = find(name)
        preset = architecture.presets[PRESET]
        task_class = TASKS[architecture.task]
        options: Any = task_class.Options(**preset.task)
        task = task_class([str(n) for n in range(architecture.classes)], options)
        samples = task.input_length(SignalConfig(**preset.signal).window_spec())
        model = architecture.build(samples, next(iter(preset.parameters)), architecture.classes, **preset.model)
        found[name] = describe_forms(model, bool(task.autoregressive_inputs))
    return found
