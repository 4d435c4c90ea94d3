"""The metadata of a file: one writer, one reader, and one line for whatever is wrong."""

import copy
import dataclasses
import re
import typing
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_models import altered, convolutional, read_json_metadata, set_json_metadata

from ecg_edge.cli.predict import command as predict
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench import model_trial
from firmware_bench.runtime.errors import InputError, ModelError
from firmware_bench.runtime.metadata import (
    DataMetadata,
    EmbedderMetadata,
    HistoryMetadata,
    ModelMetadata,
    QuantisationMetadata,
    ReferenceMetadata,
    StreamingMetadata,
    TaskMetadata,
    Tensor,
    WindowMetadata,
)
from firmware_bench.runtime.metadata_format import FORMAT, decode_metadata, encode_metadata, read_metadata
from firmware_bench.runtime.reference_vector import make_reference_inputs, verify_reference
from firmware_bench.runtime.streaming_model import HistoryModel, StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

FULL = ModelMetadata(
    architecture="cnn_att_bilstm",
    preset="edge",
    task=TaskMetadata("beat_rhythm", {"labels": "none"}),
    decision={"thresholds": [0.5, 0.25]},
    labels=("N", "Ä"),
    leads=("I", "aVR"),
    lead_order=("MLII",),
    units="NU",
    fs=250.0,
    window=WindowMetadata(2500, 1250, 1500),
    preprocessing=({"step": "fill_gaps"}, {"step": "resample", "fs": 250}),
    window_preprocessing=({"step": "zscore"},),
    data=DataMetadata("ptbxl", "0123"),
    seed=3,
    versions={"python": "3.11.2"},
    parameters=12345,
    inputs=(Tensor("ecg", (1, 2500, 2), "int8", 0.5, -3),),
    outputs=(Tensor("probabilities", (1, 2), "int8", 1 / 256, -128),),
    quantisation=QuantisationMetadata(
        "qat", "rpi", 99.99, 200, 1000, 4, 3, (30.0, 31.5), "int8", "int8", {"SOFTMAX": "float"}, "speed"
    ),
    streaming=StreamingMetadata(50, 3, 2500, ("state_0",)),
    history=HistoryMetadata(("state_rr",)),
    embedder=EmbedderMetadata("htf_beat-int8.tflite", "ab" * 32),
    metrics={"parity": {"windows": 80, "decibels": 31.5}},
    reference=ReferenceMetadata(1, 4, 16, 0.01, {"optimised": ("00ff", "01fe")}),
    digest="0" * 64,
)
DOCUMENT = Path(__file__).parents[3] / "docs" / "file-format.md"


def test_every_field_is_written_and_read():
    for field in dataclasses.fields(ModelMetadata):
        assert getattr(FULL, field.name) != getattr(ModelMetadata(), field.name), f"the test leaves out {field.name}"
    assert decode_metadata(encode_metadata(FULL)) == FULL
    assert decode_metadata(encode_metadata(ModelMetadata())) == ModelMetadata()


def test_a_number_that_json_does_not_have_is_written_as_null():
    written = encode_metadata(ModelMetadata(metrics={"parity": {"decibels": float("inf")}}))
    assert decode_metadata(written).metrics == {"parity": {"decibels": None}}


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_format_is_refused_in_one_line(version):
    with pytest.raises(ModelError, match=f"have format {version}, this version of ecg-edge reads format 1") as caught:
        TFLiteModel(altered(convolutional(), format=version))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", [None, "1", 1.0, True, [1]])
def test_a_file_without_a_version_is_refused(version):
    with pytest.raises(ModelError, match="state no format version"):
        read_metadata(altered(convolutional(), format=version))


def test_fields_of_later_versions_are_ignored():
    model = TFLiteModel(altered(convolutional(), later={"a": 1}, window={"samples": 256, "stride": 256, "later": 2}))
    assert model.metadata.window == WindowMetadata(256, 256) and verify_reference(model)


def test_metadata_that_describe_another_graph_are_refused():
    (ecg,) = read_json_metadata(convolutional())["inputs"]
    for change in ({"shape": [1, 255, 2]}, {"dtype": "int16"}, {"shape": [1, 256, 2, 1]}):
        with pytest.raises(ModelError, match="metadata describe ecg as"):
            TFLiteModel(altered(convolutional(), inputs=[ecg | change]))


WRONG = (None, True, -1, 1.5, 10**30, 10**400, "", "x", "ff", [], [[]], [1], {}, {"x": {}}, float("nan"), float("inf"))


def places(value, place=()):
    """Every place in JSON: keys and indices from the outside in."""
    yield place
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*place, key))


def tampered():
    """The metadata of a file with streams and all, in which one value is of another kind, or missing."""
    whole = read_json_metadata(convolutional())
    whole |= {
        "digest": "",
        "streaming": {"step": 256, "delay": 0, "window": 256, "states": []},
        "history": {"states": []},
    }
    whole |= {"quantisation": {"method": "ptq", "decibels_by_epoch": [1.0], "parts": {"all": "int8"}}}
    for place in places(whole):
        for wrong in (*WRONG, KeyError):
            changed = copy.deepcopy(whole)
            if not place:
                yield place, wrong, {} if wrong is KeyError else wrong
                continue
            *outside, last = place
            parent = changed
            for key in outside:
                parent = parent[key]
            if wrong is KeyError:
                del parent[last]
            else:
                parent[last] = wrong
            yield place, wrong, changed


def test_tampered_metadata_are_used_or_refused_in_one_line():
    """Whatever is changed: a ModelError of one line, or a model that runs."""
    refused = 0
    for place, wrong, value in tampered():
        data = set_json_metadata(convolutional(), value)
        for use in (use_model, use_stream, use_history):
            try:
                use(data)
            except ModelError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 400, (place, wrong)
            except Exception as error:
                raise AssertionError(f"{place} = {wrong!r}: {error!r}") from error
    assert refused > 500


def use_model(data):
    model = TFLiteModel(data)
    model.metadata.require("labels", "leads", "fs", "window")
    model.run_raw(make_reference_inputs(model.metadata)[0])
    verify_reference(model)


def use_stream(data):
    StreamingModel(TFLiteModel(data)).reset()


def use_history(data):
    HistoryModel(TFLiteModel(data)).reset()


def test_predict_refuses_tampered_metadata_in_one_line(tmp_path, monkeypatch):
    # The graph is the same sound one each time: trying it in a child process would take a minute.
    monkeypatch.setattr(model_trial, "try_model", lambda data, name: None)
    record = write_wfdb(synthesise("SNR", seed=3), tmp_path)
    keys = ("task", "decision", "labels", "leads", "fs", "window", "preprocessing", "window_preprocessing")
    whole, failed = read_json_metadata(convolutional()), 0
    for key in keys:
        for wrong in (
            *WRONG,
            {"name": "rhythm", "x": 1},
            {"samples": 256, "stride": 0},
            [{"step": "x"}],
            [{"step": 1}],
        ):
            value = {**whole, "digest": "", key: wrong}
            (tmp_path / "model.tflite").write_bytes(set_json_metadata(convolutional(), value))
            ran = CliRunner().invoke(predict, [str(tmp_path / "model.tflite"), str(record)])
            error = ran.exception
            assert error is None or isinstance(error, InputError), f"{key} = {wrong!r}: {error!r}"
            failed += error is not None
    assert failed > 80


def test_the_document_describes_every_field_with_its_type():
    text = DOCUMENT.read_text()
    assert f"format {FORMAT}" in text
    fields = text.partition("\n## Fields\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([\w.\[\]]+)` \| ([^|]+) \|", fields, re.MULTILINE))
    assert {name: kind.strip() for name, kind in rows.items()} == {
        "format": "integer",
        **{name: kind for name, kind in document(ModelMetadata) if not name.startswith("outputs[]")},  # as inputs[]
    }


NAMES = {int: "integer", float: "number", str: "string", typing.Any: "any"}


def document(kind, prefix=""):
    """(field, type in words) of a dataclass and those within it."""
    for name, hint in typing.get_type_hints(kind).items():
        yield from describe(hint, prefix + name)


def describe(hint, place):
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        yield from describe(arguments[0], place)
    elif dataclasses.is_dataclass(hint):
        yield place, "object"
        if hint is not TaskMetadata:
            yield from document(hint, f"{place}.")
    elif origin is tuple and dataclasses.is_dataclass(arguments[0]):
        yield place, "list of objects"
        yield from document(arguments[0], f"{place}[].")
    else:
        yield place, words(hint)


def words(hint):
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return f"list of {plural(words(arguments[0]))}"
    if origin is dict:
        return "object" if arguments[1] is typing.Any else f"object of {plural(words(arguments[1]))}"
    return NAMES[hint]


def plural(text):
    first, *rest = text.split(" ", 1)
    return " ".join([f"{first}s", *rest])
