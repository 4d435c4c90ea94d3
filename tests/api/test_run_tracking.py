"""A run is found again in TensorBoard's files and in MLflow."""

import json

import pytest

import ecg_edge
from ecg_edge.extras import is_installed
from firmware_bench.runtime.errors import InputError

HISTORY = (
    "epoch,loss,validation_loss,validation_score,learning_rate,seconds\n1,2.0,1.5,0.4,0.001,3\n2,1.0,0.5,,0.001,3\n"
)
MISSING = [name for name in ("mlflow", "tensorboardX") if not is_installed(name)]
needs_tracking = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}: pip install -e .[tracking]")


@pytest.fixture
def folder(tmp_path):
    from report_folder import write_run

    folder = write_run(tmp_path / "mine")
    (folder / "history.csv").write_text(HISTORY)
    metrics = {"macro_f1": {"value": 0.75, "low": 0.5, "high": 0.9}, "auroc": {"value": None}, "unit": "recordings"}
    (folder / "evaluation-keras.json").write_text(json.dumps(metrics))
    return folder


@needs_tracking
def test_tensorboard_has_every_epoch_and_metric_once(folder):
    from tensorboardX.proto.event_pb2 import Event

    (folder / "tensorboard").mkdir()
    (folder / "tensorboard" / "events.out.tfevents.1.host").write_bytes(b"of an earlier call")
    assert ecg_edge.track(folder, "tensorboard") == str(folder / "tensorboard")
    (file,) = folder.joinpath("tensorboard").iterdir()
    data, at, values = file.read_bytes(), 0, []
    while at < len(data):  # TFRecord: length, check sum, content, check sum
        length = int.from_bytes(data[at : at + 8], "little")
        event = Event.FromString(data[at + 12 : at + 12 + length])
        scalars = [value for value in event.summary.value if not value.tag.startswith("settings")]
        values += [(scalar.tag, event.step, round(scalar.simple_value, 4)) for scalar in scalars]
        at += 16 + length
    assert {("loss", 1, 2.0), ("loss", 2, 1.0), ("validation_score", 1, 0.4), ("keras/macro_f1", 0, 0.75)} <= set(
        values
    )
    assert ("validation_score", 2) not in {(tag, step) for tag, step, _ in values}
    assert len(set(values)) == len(values)


@needs_tracking
def test_mlflow_has_settings_and_epochs(folder, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr(mlflow, "get_tracking_uri", mlflow.get_tracking_uri)
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    number = ecg_edge.track(folder, "mlflow").split()[-1]
    found = mlflow.get_run(number)
    assert found.info.run_name == "mine" and found.data.metrics["loss"] == 1.0
    assert found.data.metrics["keras/macro_f1"] == 0.75
    assert found.data.params["arch"] == json.loads((folder / "config.json").read_text())["arch"]


@needs_tracking
@pytest.mark.parametrize("content", ["nonsense", "epoch,loss\nx,1\n", "epoch,loss\n1,many\n"])
def test_a_damaged_history_is_refused_in_a_line(folder, content):
    (folder / "history.csv").write_text(content + "\n1")
    with pytest.raises(InputError, match="history.csv is damaged"):
        ecg_edge.track(folder, "tensorboard")


def test_another_service_is_refused(folder):
    with pytest.raises(InputError, match="service"):
        ecg_edge.track(folder, "wandb")
