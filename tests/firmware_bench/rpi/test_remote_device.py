"""Another machine over ssh, by a real sshd on loopback; every test fails where something is left behind there."""

import os
import shutil
import signal
import subprocess
import threading
import zipfile
from pathlib import Path

import pytest
from loopback import Loopback, until

from firmware_bench.rpi import remote_device
from firmware_bench.rpi.remote_device import RemoteDevice
from firmware_bench.runtime.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture
def device(tmp_path, monkeypatch):
    there = Loopback(tmp_path, monkeypatch)
    yield there
    there.stop()


def soon(act):
    """Runs `act` in a thread beside the test."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def runs(device, word):
    return any(word in command for command in device.processes().values())


def test_a_command_runs_in_a_private_folder_that_is_gone_afterwards(device, tmp_path):
    lines = []
    (tmp_path / "file with space").write_text("ECG")
    with RemoteDevice(**device.reached(), report=lines.append) as there:
        assert device.folders() == [Path(there.folder)]
        assert Path(there.folder).stat().st_mode & 0o777 == 0o700
        there.put({"a/b.txt": tmp_path / "file with space", "c.txt": tmp_path / "file with space"})
        there.run(["/bin/sh", "-c", "/bin/cat a/b.txt c.txt; echo; echo two >&2; printf three"])
        there.get("a/b.txt", tmp_path / "back", 1000)
    assert lines == ["ECGECG", "two", "three"] and (tmp_path / "back").read_text() == "ECG"
    assert device.is_clean()


def test_the_error_of_a_failing_command_is_its_last_line(device):
    with RemoteDevice(**device.reached()) as there:
        with pytest.raises(InputError, match=rf"^{device.host}: no such thing$"):
            there.run(["/bin/sh", "-c", "echo first; echo error: no such thing; exit 2"])
        with pytest.raises(InputError, match="killed by signal 11"):
            there.run(["/bin/sh", "-c", "kill -SEGV $$"])
        there.run(["/bin/true"])  # and the connection serves on


def test_a_wrong_key_is_one_line(device):
    with pytest.raises(InputError, match=r"Permission denied \(publickey\).*ssh .* python3 --version") as caught:
        RemoteDevice(device.host, device.port, device.folder / "other").__enter__()
    assert "\n" not in str(caught.value)


def test_a_wrong_port_is_one_line(device):
    with pytest.raises(InputError, match="Connection refused"):
        RemoteDevice(device.host, 1, device.identity).__enter__()


def test_a_host_is_never_taken_for_an_option(device):
    with pytest.raises(InputError):
        RemoteDevice(f"-oProxyCommand=touch {device.folder}/called", device.port, device.identity).__enter__()
    assert not (device.folder / "called").exists()


def test_a_missing_python_is_one_line(device):
    (device.bin / "python3").unlink()
    with pytest.raises(InputError, match=r"python3 is missing there .*sudo apt install python3"):
        RemoteDevice(**device.reached()).__enter__()


def test_a_python_that_is_too_old_is_one_line(device):
    (device.folder / "sitecustomize.py").write_text("import sys; sys.version_info = (3, 7, 3)")
    device.environment(PYTHONPATH=device.folder)
    with pytest.raises(InputError, match=r"Python 3\.9 or later is needed there"):
        RemoteDevice(**device.reached()).__enter__()


NOISE = """echo Welcome; echo '{"error": "no"}'; echo -n '{'"""
# A login shell → its own file, which prints.
SHELLS = {"sh": None, "bash": ".bashrc", "tcsh": ".tcshrc", "fish": ".config/fish/config.fish", "dash": None,
          "zsh": ".zshenv"}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_serves_and_may_print(device, tmp_path, shell):
    """tcsh as login shell; a .bashrc that prints."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    if SHELLS[shell]:
        file = device.folder / SHELLS[shell]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(NOISE + "\n")
    # bash reads .bashrc where it finds ssh's variables; SHLVL is 0 in a session.
    device.environment(path, SSH_CLIENT="127.0.0.1 1 22", SSH_CONNECTION="127.0.0.1 1 127.0.0.1 22")
    (tmp_path / "file").write_bytes(bytes(range(256)) * 1000)
    lines = []
    with RemoteDevice(**device.reached(), report=lines.append) as there:
        there.put({"a/file": tmp_path / "file", "empty": Path(os.devnull)})
        there.run(["/bin/sh", "-c", "/bin/echo it\\'s; /usr/bin/wc -c < empty"])
        there.get("a/file", tmp_path / "back", 10**6)
    assert lines == ["it's", "0"] and (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


def test_a_remote_command_in_ssh_config_is_left_out(device):
    with open(device.folder / "ssh_config", "a") as file:
        file.write("RemoteCommand /bin/false\nRequestTTY force\nControlMaster auto\n"
                   f"ControlPath {device.folder}/shared\n")  # fmt: skip
    with RemoteDevice(**device.reached()) as there:
        there.run(["/bin/true"])


@pytest.mark.parametrize("form", ["ssh://{user}@127.0.0.1:{port}", "ssh://{user}@[127.0.0.1]:{port}/",
                                  "{user}@[127.0.0.1]:{port}"])  # fmt: skip
def test_an_ssh_address_reaches_its_port(device, tmp_path, form):
    user = device.host.partition("@")[0]
    (tmp_path / "file").write_text("ECG")
    with RemoteDevice(form.format(user=user, port=device.port), identity=device.identity) as there:
        assert there.host == device.host
        there.put({"file": tmp_path / "file"})
        there.run(["/bin/cat", "file"])


def test_a_lost_connection_is_one_line_and_ends_the_command(device):
    def cut():
        until(lambda: runs(device, "sleep 1000"), "the command has not begun")
        for pid in device.sessions():
            os.kill(pid, signal.SIGKILL)

    with (
        pytest.raises(InputError, match=r"the connection was lost .*run it again"),
        RemoteDevice(**device.reached()) as there,
    ):
        soon(cut)
        there.run(["/bin/sh", "-c", "/bin/sleep 1000; true"])
    until(device.is_clean, lambda: f"left behind: {device.processes()}")


def test_a_connection_lost_while_copying_is_one_line(device, tmp_path):
    with RemoteDevice(**device.reached()) as there:
        for pid in device.sessions():
            os.kill(pid, signal.SIGKILL)
        (tmp_path / "file").write_text("ECG")
        with pytest.raises(InputError, match="the connection was lost"):
            there.put({"file": tmp_path / "file"})


def test_the_agent_cleans_up_without_a_heartbeat(device, monkeypatch):
    """A cable that is pulled closes no connection: only heartbeats show that the host is there."""
    monkeypatch.setattr(remote_device, "HEARTBEAT_TIMEOUT_S", 1)
    monkeypatch.setattr(remote_device, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(remote_device, "SHUTDOWN_TIMEOUT_S", 1)

    def wait(there):
        with pytest.raises(InputError):
            there.run(["/bin/sleep", "1000"])

    with RemoteDevice(**device.reached()) as there:
        thread = soon(lambda: wait(there))
        until(lambda: runs(device, "sleep 1000"), "the command has not begun")
        frozen = device.sessions()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            until(device.is_clean, lambda: f"left behind: {device.processes()} {device.folders()}")
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        thread.join(10)
        assert not thread.is_alive()


def test_a_killed_agent_leaves_neither_its_command_nor_its_folder(device):
    def kill():
        until(lambda: runs(device, "sleep 1000"), "the command has not begun")
        for pid, command in device.processes().items():
            if " -c " in command and "readline" in command:
                os.kill(pid, signal.SIGKILL)
                return

    with pytest.raises(InputError, match="the connection was lost"), RemoteDevice(**device.reached()) as there:
        soon(kill)
        there.run(["/bin/sleep", "1000"])
    until(device.is_clean, lambda: f"left behind: {device.processes()} {device.folders()}")


def test_a_folder_that_cannot_be_made_is_one_line(device):
    device.cache.rmdir()
    device.cache.write_text("a file where the folder should be")
    try:
        with pytest.raises(InputError, match="cannot make a folder there"):
            RemoteDevice(**device.reached()).__enter__()
    finally:
        device.cache.unlink()
        device.cache.mkdir()


def test_a_folder_that_cannot_be_removed_does_not_hold_the_agent(device, monkeypatch):
    """A disk that becomes read-only under it: the agent gives up after a while."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", device.cache], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        with RemoteDevice(**device.reached()):
            subprocess.run(["mount", "-o", "remount,ro", device.cache], check=True)
        until(lambda: not device.processes(), lambda: f"left behind: {device.processes()}", 30)
    finally:
        subprocess.run(["umount", "-l", device.cache], check=True)


def test_a_file_is_taken_up_to_the_limit(device, tmp_path):
    with RemoteDevice(**device.reached()) as there:
        there.run(["/bin/sh", "-c", "/bin/dd if=/dev/zero of=large bs=1000 count=200 2>/dev/null"])
        with pytest.raises(InputError, match="200,000 bytes there, at most 1,000 are taken"):
            there.get("large", tmp_path / "large", 1000)
        there.get("large", tmp_path / "large", 200_000)
        with pytest.raises(InputError, match="absent: .*No such file"):
            there.get("absent", tmp_path / "absent", 1000)
    assert (tmp_path / "large").read_bytes() == bytes(200_000)


def test_a_command_that_is_not_there_is_one_line(device):
    with RemoteDevice(**device.reached()) as there:
        with pytest.raises(InputError, match="No such file"):
            there.run(["/nowhere/python3", "x"])
        there.run(["/bin/true"])


def test_heartbeats_keep_a_long_silent_command_alive(device, monkeypatch):
    monkeypatch.setattr(remote_device, "HEARTBEAT_TIMEOUT_S", 0.5)
    monkeypatch.setattr(remote_device, "HEARTBEAT_S", 0.1)
    with RemoteDevice(**device.reached()) as there:
        there.run(["/bin/sleep", "2"])


@pytest.fixture
def small_disk(device):
    """1 MB for the device's cache folder."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", device.cache], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield
    subprocess.run(["umount", "-l", device.cache], check=True)


@pytest.mark.parametrize("known", [True, False])
def test_a_full_disk_is_one_line(device, small_disk, tmp_path, known):
    (tmp_path / "large").write_bytes(bytes(2_000_000))
    with RemoteDevice(**device.reached()) as there:
        if not known:  # it fills up only while the file is copied
            there.free = 10**12
        with pytest.raises(InputError, match=r"the disk is full there: \d\.\d MB left in .*cache/ecg-edge"):
            there.put({"large": tmp_path / "large"})


def test_a_disk_that_a_command_fills_is_one_line(device, small_disk):
    full = pytest.raises(InputError, match="the disk is full there: .*No space left")
    with RemoteDevice(**device.reached()) as there, full:
        there.run(["/bin/sh", "-c", "/bin/dd if=/dev/zero of=x bs=1M count=2; exit 1"])


def test_a_missing_venv_package_is_one_line(device):
    (device.folder / "venv.py").write_text("print('ensurepip is not available'); raise SystemExit(1)")
    device.environment(PYTHONPATH=device.folder)
    with RemoteDevice(**device.reached()) as there, pytest.raises(InputError, match="sudo apt install python3-venv"):
        there.prepare_python(["numpy"])


def test_offline_without_wheels_uses_the_device_s_python(device):
    with RemoteDevice(**device.reached()) as there:
        assert there.prepare_python(["ai-edge-litert==2.3.0", "numpy"], offline=True) == there.python


def wheel(folder: Path, name: str) -> Path:
    """A wheel of a package that does nothing."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "VALUE = 7\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


@pytest.mark.slow
def test_an_environment_is_made_once_from_wheels_and_kept(device, tmp_path):
    lines, wheels = [], [wheel(tmp_path, "heart"), wheel(tmp_path, "beat")]
    for _ in range(2):
        with RemoteDevice(**device.reached(), report=lines.append) as there:
            python = there.prepare_python(["heart"], wheels, offline=True)
            there.run([python, "-c", "import heart, beat; print(heart.VALUE + beat.VALUE)"])
    assert [line for line in lines if line != "14"] == [f"{device.host}: making a virtual environment in "
                                                       f"{Path(python).parents[1]}"]  # fmt: skip
    assert lines.count("14") == 2 and len(list(device.cache.glob("ecg-edge/*"))) == 1
    (tmp_path / "lung-1.0-py3-none-any.whl").write_text("no archive")
    broken = pytest.raises(InputError, match=r"cannot be installed there: .*--offline uses what is there")
    with RemoteDevice(**device.reached()) as there, broken:
        there.prepare_python(["lung"], [tmp_path / "lung-1.0-py3-none-any.whl"], offline=True)
    assert len(list(device.cache.glob("ecg-edge/*"))) == 1
