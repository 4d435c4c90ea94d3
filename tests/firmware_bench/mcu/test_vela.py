"""What is read from Arm's compiler for Ethos-U."""

import pytest
from loopback import script
from small_models import convolutional

from firmware_bench.mcu import vela
from firmware_bench.runtime.errors import ModelError

SUMMARY = """experiment,core_clock,sram_memory_used,off_chip_flash_memory_used,cycles_npu,cycles_total
default,500000000.0,1.5,2.25,900,1234.0
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """shell lines → a vela that runs them, first on the PATH"""
    monkeypatch.setattr(vela.sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return lambda *lines: script(tmp_path / "vela", "\n".join(lines))


def test_the_summary_is_read_and_operators_on_the_core_are_named(fake, tmp_path):
    fake(
        f'echo "$@" > {tmp_path}/words; test -s model.tflite || exit 9; while [ "$1" != --output-dir ]; do shift; done',
        f"cat > $2/model_summary_X.csv <<'END'\n{SUMMARY}END",
        "echo \"Warning (supported operators) operator: REVERSE_V2, ofm: 'x'\"",
        "echo \"Warning (semantic check) operator: PAD, ofm: 'y'\" >&2",
    )
    found = vela.estimate(convolutional(), vela.PROCESSORS[0])
    assert found == vela.EthosUEstimate(1234, 500_000_000, 1536, 2304, ("PAD", "REVERSE_V2"))
    assert found.label.startswith("estimated")
    words = (tmp_path / "words").read_text()
    assert "--accelerator-config ethos-u55-128 --system-config Ethos_U55" in words and "--memory-mode Shared" in words


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["echo Error: Invalid tflite file >&2; exit 1"], "cannot compile this file: Error: Invalid"),
        (["exit 0"], "cannot compile this file: no message"),
        (["echo a,b > model_summary_X.csv; echo 1,2 >> model_summary_X.csv"], "another summary"),
    ],
)
def test_a_failure_of_vela_is_one_line(fake, lines, reason):
    fake(*lines)
    with pytest.raises(ModelError, match=reason) as caught:
        vela.estimate(convolutional(), vela.PROCESSORS[0])
    assert "\n" not in str(caught.value)


def test_without_vela_its_package_is_named(monkeypatch):
    monkeypatch.setattr(vela, "find_program", lambda: None)
    with pytest.raises(ModelError, match="pip install ethos-u-vela"):
        vela.estimate(convolutional(), vela.PROCESSORS[0])


@pytest.mark.skipif(vela.find_program() is None, reason=f"vela is not installed: {vela.PACKAGE}")
@pytest.mark.parametrize("processor", vela.PROCESSORS, ids=lambda processor: processor.name)
def test_the_real_vela(processor):
    found = vela.estimate(convolutional(), processor)
    assert 1000 < found.cycles < 1_000_000 and found.clock >= 100_000_000
    assert 512 < found.sram < 65_536 and 512 < found.flash < 65_536
