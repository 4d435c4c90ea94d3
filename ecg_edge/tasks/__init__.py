"""Tasks by name: how recordings become examples, targets and a decision."""

from ecg_edge.tasks.anomaly import AnomalyTask
from ecg_edge.tasks.beat_rhythm import BeatRhythmTask
from ecg_edge.tasks.beats import BeatsTask
from ecg_edge.tasks.multilabel import MultilabelTask
from ecg_edge.tasks.pretraining import PretrainingTask
from ecg_edge.tasks.rhythm import RhythmTask
from ecg_edge.tasks.rhythm_bouts import RhythmBoutsTask
from ecg_edge.tasks.task import Task

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        RhythmTask,
        MultilabelTask,
        RhythmBoutsTask,
        BeatsTask,
        BeatRhythmTask,
        AnomalyTask,
        PretrainingTask,
    )
}
