"""ecg-edge firmware: a library in a folder, or one line."""

import pytest
from click.testing import CliRunner
from small_models import altered, convolutional

from ecg_edge.cli.firmware import command
from ecg_edge.training.config import SignalConfig
from firmware_bench.runtime.errors import InputError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    steps = SignalConfig(fs=100.0, mode="causal").steps()
    path.write_bytes(altered(convolutional(), preprocessing=steps, window_preprocessing=[]))
    return path


def test_a_library_and_a_file_that_the_user_changed(model, tmp_path):
    words = [str(model), "--target", "arduino", "--counts-per-unit", "200", "--out", str(tmp_path / "lib")]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0 and (tmp_path / "lib" / "library.properties").is_file()
    sketch = tmp_path / "lib" / "examples" / "replay" / "replay.ino"
    sketch.write_text("// mine\n")
    assert CliRunner().invoke(command, words, catch_exceptions=False).exit_code == 0
    assert sketch.read_text() == "// mine\n"


@pytest.mark.parametrize(
    "words, message",
    [
        (["--target", "arduino"], "--counts-per-unit"),
        (["--target", "ardino", "--counts-per-unit", "200"], "arduino"),
        (["--target", "cmake", "--counts-per-unit", "1,2,3"], "leads"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(words, message, model, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        CliRunner().invoke(command, [str(model), *words, "--out", str(tmp_path / "lib")], catch_exceptions=False)
    assert "\n" not in str(caught.value) and not (tmp_path / "lib").exists()
