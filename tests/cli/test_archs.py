"""ecg-edge archs."""

import json

import pytest
from click.testing import CliRunner

from ecg_edge.cli.archs import command
from models_keras.registry import names


def test_json_has_every_architecture_with_exact_parameters():
    found = json.loads(CliRunner().invoke(command, ["--json"], catch_exceptions=False).stdout)
    assert list(found) == names()
    paper = found["cnn_att_bilstm"]["presets"]["paper"]
    assert paper["parameters"] == {"12": 944_969, "1": 939_689}
    published = {
        "rhythm_resnet1d": {"2": 8_794_246},
        "htf_beat": {"2": 1_143_939},
        "rhythm_from_beats": {"2": 892_806},
        "cae": {"12": 75_340},
    }
    for name, counts in published.items():
        assert counts.items() <= found[name]["presets"]["paper"]["parameters"].items()
    assert found["cnn_att_bilstm"]["published"]["CPSC 2018 macro F1, 12 leads"] == 0.86


def test_the_table_names_each():
    shown = CliRunner().invoke(command, catch_exceptions=False).stdout
    assert all(name in shown for name in names())
    assert "944,969" in shown and "8,794,246" in shown


@pytest.mark.slow
def test_what_the_export_makes_of_each_is_told():
    said = CliRunner().invoke(command, ["--exportable"], catch_exceptions=False).stderr
    assert "a stream computes in 16 bits" in said and "--c99 --hop 1" in said
    found = json.loads(CliRunner().invoke(command, ["--exportable", "--json"], catch_exceptions=False).stdout)
    assert list(found) == names() and {form for forms in found.values() for form in forms} == {"integers", "stream"}
    assert [forms["integers"] for forms in found.values()] == [None] * len(found)
    assert found["cnn"]["stream"] is found["htf_beat"]["stream"] is None
    assert "layer 'sinusoidal_positions'" in found["ecg_mamba"]["stream"]
