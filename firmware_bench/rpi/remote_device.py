"""Another machine as a device, by the system's own ssh and scp: keys, agents, jump hosts and ~/.ssh/config work.

    with RemoteDevice("pi@raspberrypi.local") as device:
        python = device.prepare_python(["ai-edge-litert==2.3.0", "numpy"])
        device.put({"bench_rpi.pyz": Path("bench_rpi.pyz"), "model.tflite": Path("model.tflite")})
        device.run([python, "bench_rpi.pyz", "model.tflite", "--out", "report.json"])
        device.get("report.json", Path("report.json"), 10**6)

One connection carries everything. remote_agent.py runs at its other end, in a private folder, and removes the folder
and whatever still runs when the connection ends, however it ends.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import hashlib
import json
import os
import re
import select
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firmware_bench.rpi.device_report import clean_text
from firmware_bench.rpi.error_tail import ErrorTail
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write

HELLO_TIMEOUT_S = 180.0  # somebody may have to type a password
SILENCE_TIMEOUT_S = 60.0  # every heartbeat is answered
COMMAND_TIMEOUT_S = 6 * 3600.0
STEP_TIMEOUT_S = 1800.0  # for making an environment and installing into it
COPY_TIMEOUT_S = 1800.0
MESSAGE_BYTES = 1 << 20  # of a line from the other end
OUTPUT_BYTES = 64 << 20  # of all that a command prints
KEPT_LINES = 100  # of what a command prints, for the error message
HEARTBEAT_S = 5.0
HEARTBEAT_TIMEOUT_S = 30.0  # without a heartbeat the other end cleans up after that
SHUTDOWN_TIMEOUT_S = 15.0  # for the other end to clean up when the connection is closed
# The folder that ssh starts in may hold a json.py.
SAFE_PATH = "import sys\nsys.path[:] = [path for path in sys.path if path]\n"
OPTIONS = (
    "ConnectTimeout=10",
    f"ServerAliveInterval={HEARTBEAT_S:.0f}",
    "ServerAliveCountMax=3",
    "ControlMaster=yes",
    "ControlPersist=no",
    "LogLevel=ERROR",
)


class RemoteDevice:
    """A connection to another machine and a private folder there, within the `with` block.

    Entering the block and every method raise InputError, in one line, where the connection cannot be made or is lost.

    Args:
        host: USER@HOST, as ssh takes it.
        port: ssh's port there.
        identity: ssh's private key.
        report: Called with each line that a command prints.
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        identity: Path | None = None,
        report: Callable[[str], None] = lambda line: None,
    ):
        self.host, self._report = host, report
        self._options = [] if port is None else ["-o", f"Port={port}"]
        self._options += [] if identity is None else ["-o", f"IdentityFile={identity}", "-o", "IdentitiesOnly=yes"]

    def __enter__(self) -> RemoteDevice:
        with contextlib.ExitStack() as stack:
            # /tmp: a socket's path is limited to about 100 characters.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ecg-", dir="/tmp"))
            self._local_folder, self._stopped, self._writing = Path(folder), threading.Event(), threading.Lock()
            agent = SAFE_PATH + Path(__file__).with_name("remote_agent.py").read_text()
            command = f"python3 -c {shlex.quote(agent)} {HEARTBEAT_TIMEOUT_S:g}"
            options = [word for option in OPTIONS for word in ("-o", option)]
            self._socket = ["-o", f"ControlPath={self._local_folder / 'ssh'}"]
            self._ssh = subprocess.Popen(
                ["ssh", "-T", *options, *self._socket, *self._options, "--", self.host, command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert self._ssh.stdin is not None and self._ssh.stdout is not None
            self._input, self._output, self._received = self._ssh.stdin, self._ssh.stdout, bytearray()
            self._errors = ErrorTail(self._ssh.stderr)
            stack.callback(self._errors.close)
            stack.callback(self._close)
            threading.Thread(target=self._send_heartbeats, daemon=True).start()
            self._read_hello()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def _close(self):
        """Ends the connection, and waits until the other end has cleaned up."""
        self._stopped.set()
        with self._writing, contextlib.suppress(OSError):
            self._input.close()
        try:
            self._ssh.wait(SHUTDOWN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._ssh.kill()
            self._ssh.wait()
        self._output.close()

    def _send_heartbeats(self):
        while not self._stopped.wait(HEARTBEAT_S):
            self._write(b"\n")

    def _write(self, line):
        with self._writing, contextlib.suppress(OSError, ValueError):  # _receive reports that it is lost
            self._input.write(line)
            self._input.flush()

    def _read_hello(self):
        """Read what the other end says of itself first; what a login shell may print before is skipped."""
        end = time.monotonic() + HELLO_TIMEOUT_S
        while True:
            hello = self._receive(end, HELLO_TIMEOUT_S)
            if isinstance(hello.get("error"), str):
                raise InputError(f"{self.host}: {clean_text(hello['error'])}")
            if "folder" in hello:
                break
        folder, python, version, free = (hello.get(key) for key in ("folder", "python", "version", "free"))
        sound = all(isinstance(path, str) and path.startswith("/") and path.isprintable() and len(path) < 4096
                    for path in (folder, python))  # fmt: skip
        if not sound or type(free) is not int or not re.fullmatch(r"[\w.+]{1,40}", str(version)):
            raise self._protocol_error()
        self.folder, self.python, self.version, self.free = str(folder), str(python), str(version), free

    def _receive(self, end, silence=None) -> dict:
        """The next message that says something. Raises InputError where none comes by `end` or within `silence`."""
        heard, silence = time.monotonic(), silence or SILENCE_TIMEOUT_S
        while True:
            now = time.monotonic()
            if now > end or now - heard > silence:
                self._ssh.kill()
                raise InputError(f"{self.host}: no answer for {now - heard:.0f} s: the connection was closed")
            newline = self._received.find(b"\n")
            if newline < 0:
                if len(self._received) > MESSAGE_BYTES:
                    raise self._protocol_error()
                if select.select([self._output], [], [], 0.2)[0]:
                    piece = os.read(self._output.fileno(), 65536)
                    if not piece:
                        raise InputError(self._describe_loss())
                    self._received += piece
                    heard = time.monotonic()
                continue
            line = bytes(self._received[:newline])
            del self._received[: newline + 1]
            with contextlib.suppress(ValueError, RecursionError):
                message = json.loads(line)
                if isinstance(message, dict) and message:
                    return message

    def _protocol_error(self):
        self._ssh.kill()
        return InputError(f"{self.host}: what it answers is not what ecg-edge's program there writes")

    def _describe_loss(self):
        """Why nothing more is received."""
        try:
            status = self._ssh.wait(SHUTDOWN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._ssh.kill()
            status = self._ssh.wait()
        self._errors.close()
        printed = [line.strip() for line in self._errors.text().splitlines() if line.strip()]
        reason = clean_text(printed[-1]) if printed else f"ssh ended with status {status}"
        if hasattr(self, "folder"):
            return f"{self.host}: the connection was lost ({reason}); the command there was ended: run it again"
        if status == 127 or "python3" in reason:
            return f"{self.host}: python3 is missing there ({reason}): sudo apt install python3 python3-venv"
        return f"{self.host}: {reason}: make this work first: ssh {self._ssh_arguments()} python3 --version"

    def _ssh_arguments(self):
        return " ".join([*self._options, self.host])

    # ------------------------------------------------------------------------------------------------ files

    def put(self, files: Mapping[str, Path]) -> None:
        """Copy files into the folder there.

        Args:
            files: Name in the folder, which may have a folder in front → file here.

        Raises:
            InputError: The disk is full there, or the connection is lost.
        """
        size = sum(path.stat().st_size for path in files.values())
        if size > self.free:
            raise InputError(f"{self._describe_full_disk()}, the files take {size / 1e6:.1f} MB")
        with tempfile.TemporaryDirectory(dir=self._local_folder) as staged:
            for name, path in files.items():
                link = Path(staged, name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
            self._scp(*map(str, Path(staged).iterdir()), f"{self._address()}:{self.folder}/")

    def get(self, name: str, path: Path, limit: int) -> None:
        """Copy the file `name` out of the folder there to `path`.

        Args:
            name: Its name in the folder there.
            path: Where to write it here.
            limit: The most bytes that are taken.

        Raises:
            InputError: It is larger, it cannot be read there, or the connection is lost.
        """
        end = time.monotonic() + COPY_TIMEOUT_S
        self._write((json.dumps({"get": name, "limit": limit}) + "\n").encode())
        message = self._receive(end)
        if isinstance(message.get("error"), str):
            raise InputError(f"{self.host}: {name}: {clean_text(message['error'])}")
        size = message.get("size")
        if type(size) is not int or size < 0:
            raise self._protocol_error()
        if size > limit:
            raise InputError(f"{self.host}: {name} has {size:,} bytes there, at most {limit:,} are taken")
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            while file.tell() < size:
                piece = self._receive(end).get("data")
                try:
                    content = base64.b64decode(piece, validate=True) if isinstance(piece, str) else b""
                except ValueError:
                    content = b""
                if not content or file.tell() + len(content) > size:
                    raise self._protocol_error()
                file.write(content)

    def _address(self):
        user, at, name = self.host.rpartition("@")
        return f"{user}{at}[{name}]" if ":" in name else self.host

    def _scp(self, *words):
        command = ["scp", "-q", "-r", *self._socket, "-o", "ControlMaster=no", *self._options, "--", *words]
        try:
            ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                 timeout=COPY_TIMEOUT_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise InputError(f"{self.host}: copying did not end within {COPY_TIMEOUT_S:g} s") from None
        if ran.returncode:
            if self._ssh.poll() is not None:
                raise InputError(self._describe_loss())
            reason = clean_text((ran.stderr.strip().splitlines() or [f"status {ran.returncode}"])[-1])
            _, printed = self._run([self.python, "-c", "import shutil; print(shutil.disk_usage('.').free)"])
            if not printed or not re.fullmatch(r"\d{1,18}", printed[-1]):
                raise InputError(f"{self.host}: scp failed: {reason}")
            self.free = int(printed[-1])
            if self.free < 1_000_000:
                raise InputError(f"{self._describe_full_disk()} ({reason})")
            raise InputError(f"{self.host}: scp failed: {reason}")

    def _describe_full_disk(self):
        return f"{self.host}: the disk is full there: {self.free / 1e6:.1f} MB left in {Path(self.folder).parent}"

    # ------------------------------------------------------------------------------------------------ commands

    def _run(self, command, report=lambda line: None, seconds=STEP_TIMEOUT_S) -> tuple[int, list[str]]:
        """Run a command in the folder there; returns its exit status and the last lines that it printed."""
        self._write((json.dumps([str(word) for word in command]) + "\n").encode())
        end, printed, size = time.monotonic() + seconds, collections.deque(maxlen=KEPT_LINES), 0
        while True:
            message = self._receive(end)
            status, line = message.get("status"), message.get("line")
            if type(status) is int:
                return status, list(printed)
            if not isinstance(line, str):
                raise self._protocol_error()
            size += len(line)
            if size > OUTPUT_BYTES:
                self._ssh.kill()
                raise InputError(f"{self.host}: the command there prints more than {OUTPUT_BYTES:,} characters")
            if line:
                printed.append(clean_text(line, 1000))
                report(printed[-1])

    def run(self, command: Sequence) -> None:
        """Run a command in the folder there and report what it prints, line by line.

        Raises:
            InputError: The command fails; the message is its last line. Or the connection is lost.
        """
        pending = []

        def report(line):  # one line behind: the last one may be the error
            pending.append(line)
            if len(pending) > 1:
                self._report(pending.pop(0))

        status, printed = self._run(command, report, COMMAND_TIMEOUT_S)
        if status:
            raise InputError(f"{self.host}: {self._describe_failure(status, printed)}")
        for line in pending:
            self._report(line)

    def _describe_failure(self, status, printed):
        full = [line for line in printed if re.search("no space left|disk quota", line, re.IGNORECASE)]
        if full:
            return f"the disk is full there: {full[-1].strip()}"
        ended = f"killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return printed[-1].replace("error: ", "", 1).strip() if printed and status > 0 else ended

    def prepare_python(self, requirements: Sequence[str], wheels: Sequence[Path] = (), offline: bool = False) -> str:
        """Make a virtual environment there at its first use, and keep it in ~/.cache/ecg-edge there.

        Args:
            requirements: What it needs, as pip takes it.
            wheels: Packages to bring along.
            offline: Whether to fetch nothing from the network there. Without wheels and without an environment from
                before, the device's own python3 is used.

        Returns:
            The path of its Python there.

        Raises:
            InputError: The environment cannot be made, or the connection is lost.
        """
        digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
        key = hashlib.sha256(json.dumps([self.version, *requirements, *digests]).encode()).hexdigest()[:12]
        kept = Path(self.folder).with_name(f"python-{key}")
        python = kept / "bin" / "python"
        status, _ = self._run([self.python, "-c", f"import os, sys; sys.exit(not os.path.exists({str(python)!r}))"])
        if status == 0:
            return str(python)
        if offline and not wheels:
            return self.python
        self._report(f"{self.host}: making a virtual environment in {kept}")
        if wheels:
            self.put({f"wheels/{wheel.name}": wheel for wheel in wheels})
        made = Path(self.folder, "python")
        status, printed = self._run([self.python, "-m", "venv", made])
        if status:
            missing = any("ensurepip" in line for line in printed)
            remedy = "sudo apt install python3-venv" if missing else self._describe_failure(status, printed)
            raise InputError(f"{self.host}: python3 there makes no virtual environment: {remedy}")
        install = [made / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["--no-input", "--no-cache-dir", *(["--no-index"] if offline else [])]
        brought = [f"wheels/{wheel.name}" for wheel in wheels]
        names = (
            [] if offline else [name for name in requirements if not any(_is_wheel_of(wheel, name) for wheel in wheels)]
        )
        status, printed = self._run([*install, *brought, *names], self._report)
        if status:
            reason = self._describe_failure(status, printed)
            raise InputError(
                f"{self.host}: {' '.join([*brought, *names])} cannot be installed there: {reason}; "
                "--wheel FILE brings a wheel along, --offline uses what is there"
            )
        # Where another benchmark was quicker, its environment is used, and this one is removed with the folder.
        rename = f"import os, sys; os.path.exists({str(kept)!r}) or os.rename('python', {str(kept)!r})"
        self._run([self.python, "-c", rename])
        return str(python)


def _is_wheel_of(wheel, requirement):
    """Whether a wheel's file is of the package that a requirement names."""
    name = re.split(r"[^\w.-]", requirement)[0]
    return wheel.name.split("-")[0].lower() == re.sub(r"[-_.]+", "_", name).lower()
