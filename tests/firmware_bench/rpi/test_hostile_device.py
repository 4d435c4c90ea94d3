"""Whoever answers at the other end of ssh: one line, in time, and nothing raw. The ssh of these tests is a script."""

import json
import os
import shlex
import time

import pytest

from firmware_bench.rpi import remote_device
from firmware_bench.rpi.remote_device import RemoteDevice
from firmware_bench.runtime.errors import InputError

HELLO = {"folder": "/home/pi/.cache/ecg-edge/bench-x", "python": "/usr/bin/python3", "version": "3.11.2", "free": 10**9}


@pytest.fixture
def answering(tmp_path, monkeypatch):
    """answering(shell commands) → what an ssh does that runs them in the place of the agent."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    for name in ("HELLO_TIMEOUT_S", "SILENCE_TIMEOUT_S", "SHUTDOWN_TIMEOUT_S"):
        monkeypatch.setattr(remote_device, name, 1.0)

    def answer(*commands, marker=True):
        script = tmp_path / "bin" / "ssh"
        begin = 'for word; do :; done; printf "\\n%s\\n" "${word##* }"\n' if marker else ""
        script.write_text("#!/bin/sh\n" + begin + "\n".join(commands) + "\n")
        script.chmod(0o755)

    return answer


def says(*messages) -> str:
    return "printf '%s\\n' " + " ".join(shlex.quote(json.dumps(message)) for message in messages)


def entered(**how):
    with RemoteDevice("pi@device", **how):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"folder": 7}, {"folder": None}, {"folder": "relative"}, {"folder": "/a\n/b"}, {"folder": "/\x1b[31m"},
        {"folder": "/" + "x" * 10**5}, {"python": ["/bin/sh"]}, {"python": ""}, {"free": "1"}, {"free": True},
        {"free": 1.5}, {"version": {}}, {"version": "3; rm -rf /"}, {"version": "x" * 1000},
    ],
)  # fmt: skip
def test_a_first_message_of_another_form_is_one_line(answering, change):
    answering(says({**HELLO, **change}), "sleep 5")
    with pytest.raises(InputError, match="^pi@device: what it answers is not what"):
        entered()


@pytest.mark.parametrize(
    "command",
    ["exit 1", "exit 255", "cat /dev/zero", "yes", "yes '{}'", "printf '\\033[31mred\\n' >&2; exit 1", "sleep 100",
     "printf '{'; sleep 100", "printf '[]\\n7\\nnull\\n\"x\"\\n'", "kill -9 $$", "yes '[[[[' | tr -d '\\n'",
     "yes error >&2 | head -c 100000000"],
)  # fmt: skip
@pytest.mark.parametrize("marker", [True, False])
def test_what_is_no_answer_is_one_line_in_time(answering, command, marker):
    answering(command, marker=marker)
    begin = time.monotonic()
    with pytest.raises(InputError, match="^pi@device: ") as caught:
        entered()
    assert time.monotonic() - begin < 8 and str(caught.value).isprintable() and len(str(caught.value)) < 600


def test_endless_errors_fill_no_disk_and_end_with_the_connection(answering, tmp_path):
    answering(f"yes error >&2 & echo $! > {tmp_path}/pid; sleep 5")
    with pytest.raises(InputError, match="^pi@device: "):
        entered()
    writer = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not os.path.exists(f"/proc/{writer}"):
            break
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{writer}")


def test_an_error_there_is_shown_without_escape_codes(answering):
    answering(says({"error": "\x1b]0;owned\x07\x1b[2J" + "x" * 10**5}))
    with pytest.raises(InputError) as caught:
        entered()
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300


@pytest.mark.parametrize("noise", [HELLO, {"error": "no"}, {"folder": "/x"}, 7])
def test_what_is_printed_before_the_marker_is_never_read_as_an_answer(answering, noise):
    answering(says(noise), "sleep 5", marker=False)
    with pytest.raises(InputError, match="no answer for 1 s"):
        entered()


def test_noise_without_end_names_its_cause(answering):
    answering("yes Welcome", marker=False)
    with pytest.raises(InputError, match=r"more than 1,048,576 bytes .*\.bashrc"):
        entered()


@pytest.mark.parametrize(
    "message, said",
    [
        ({"free": "1"}, "not what"),
        ({"free": None, "error": "no"}, "not what"),
        ({"line": "x"}, "not what"),
        ({"free": 5, "error": "\x1b[31mno"}, r"^pi@device: model.tflite: \\x1b\[31mno$"),
        ({"free": 5, "error": "[Errno 28] No space left on device"}, "the disk is full there: 0.0 MB left"),
        ({}, "no answer|connection was lost"),
    ],
)
def test_a_file_that_is_not_taken_is_one_line(answering, tmp_path, message, said):
    answering(says(HELLO, message), "sleep 5")
    (tmp_path / "model.tflite").write_bytes(bytes(10**6))
    with pytest.raises(InputError, match=said), RemoteDevice("pi@device") as device:
        device.put({"model.tflite": tmp_path / "model.tflite"})


def run(report=lambda line: None):
    with RemoteDevice("pi@device", report=report) as device:
        device.run(["true"])


def test_lines_are_reported_printable_and_short(answering):
    answering(
        says(HELLO, {"line": "\x1b[31mred\r\x07"}, {"line": "x" * 5000}, {"line": "last"}, {"status": 0}), "sleep 1"
    )
    lines = []
    run(lines.append)
    assert lines[0] == "\\x1b[31mred \\x07" and lines[2] == "last"
    assert all(line.isprintable() and len(line) <= 1000 for line in lines)


@pytest.mark.parametrize(
    "message",
    [{"line": 7}, {"line": None}, {"status": "0"}, {"status": True}, {"status": None}, {"x": 1}, {"line": [1]}],
)
def test_messages_of_another_form_are_one_line(answering, message):
    answering(says(HELLO, message), "sleep 5")
    with pytest.raises(InputError, match="not what ecg-edge's program there writes"):
        run()


def test_silence_ends_a_command(answering):
    answering(says(HELLO), "sleep 100")
    with pytest.raises(InputError, match="no answer for"):
        run()


def test_a_command_that_only_answers_heartbeats_ends(answering, monkeypatch):
    monkeypatch.setattr(remote_device, "COMMAND_TIMEOUT_S", 2.0)
    answering(says(HELLO), "while sleep 0.2; do echo '{}'; done")
    with pytest.raises(InputError, match="no answer"):
        run()


def test_output_without_end_ends_a_command(answering, monkeypatch):
    monkeypatch.setattr(remote_device, "OUTPUT_BYTES", 10**6)
    answering(says(HELLO), "yes '" + json.dumps({"line": "x" * 1000}) + "'")
    with pytest.raises(InputError, match="prints more than 1,000,000 characters"):
        run()


def got(path, limit=100):
    with RemoteDevice("pi@device") as device:
        device.get("report.json", path, limit)


@pytest.mark.parametrize(
    "messages, said",
    [
        ([{"size": 10**18}], "at most 100 are taken"),
        ([{"size": -1}], "not what"),
        ([{"size": "4"}], "not what"),
        ([{"error": "\x1b[31mno"}], r"report.json: \\x1b\[31mno"),
        ([{"size": 4}, {"data": "????"}], "not what"),
        ([{"size": 4}, {"data": ""}], "not what"),
        ([{"size": 4}, {"data": 7}], "not what"),
        ([{"size": 4}, {"data": "QUJDREVGR0g="}], "not what"),  # eight bytes
        ([{"size": 8}, {"data": "QUJD"}], "connection was lost|no answer"),
    ],
)
def test_a_file_of_another_size_is_one_line_and_leaves_nothing(answering, tmp_path, messages, said):
    answering(says(HELLO, *messages))
    with pytest.raises(InputError, match=said):
        got(tmp_path / "here" / "report.json")
    assert not (tmp_path / "here").exists() or not list((tmp_path / "here").iterdir())


HOSTS = (
    "-oProxyCommand=touch x",
    "a b",
    "$(touch x)",
    "`touch x`",
    ";touch x",
    "|touch x",
    "a\nb",
    "é",
    "",
    "'",
    '"',
    "*",
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_of_any_name_stays_one_word(answering, tmp_path, monkeypatch, host):
    monkeypatch.chdir(tmp_path)
    answering('for word in "$@"; do printf "<%s>" "$word"; done > words', "exit 1")
    with pytest.raises(InputError) as caught, RemoteDevice(host):
        pass
    assert f"<--><{host}><python3 -c " in (tmp_path / "words").read_text()
    assert not (tmp_path / "x").exists() and str(caught.value).isprintable()
