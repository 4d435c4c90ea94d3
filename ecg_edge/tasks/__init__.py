"""Tasks by name: how recordings become examples, targets and a decision."""

from ecg_edge.tasks.rhythm import RhythmTask

TASKS = {task.name: task for task in (RhythmTask,)}
