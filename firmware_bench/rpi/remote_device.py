"""Another machine as a device, by the system's own ssh: keys, agents, jump hosts and ~/.ssh/config work.

    with RemoteDevice("pi@raspberrypi.local") as device:
        python = device.prepare_python(["ai-edge-litert==2.3.0", "numpy"])
        device.put({"bench_rpi.pyz": Path("bench_rpi.pyz"), "model.tflite": Path("model.tflite")})
        device.run([python, "bench_rpi.pyz", "model.tflite", "--out", "report.json"])
        device.get("report.json", Path("report.json"), 10**6)

One connection carries everything, files too. remote_agent.py runs at its other end, in a private folder, and removes
the folder and whatever still runs when the connection ends, however it ends. Any login shell may be there, and what its
own files print is skipped.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import json
import os
import re
import secrets
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firmware_bench.rpi.device_report import clean_text
from firmware_bench.rpi.error_tail import ErrorTail
from firmware_bench.rpi.remote_python import make_environment
from firmware_bench.rpi.ssh_address import parse_address
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write

HELLO_TIMEOUT_S = 180.0  # somebody may have to type a password
SILENCE_TIMEOUT_S = 60.0  # every heartbeat is answered
COMMAND_TIMEOUT_S = 6 * 3600.0
STEP_TIMEOUT_S = 1800.0  # for making an environment and installing into it
COPY_TIMEOUT_S = 1800.0
MESSAGE_BYTES = 1 << 20  # of a line from the other end
NOISE_BYTES = 1 << 20  # that a login shell's own files may print
PIECE_BYTES = 32768  # of a file; in base64 it fits into a pipe, so that writing it never waits
OUTPUT_BYTES = 64 << 20  # of all that a command prints
KEPT_LINES = 100  # of what a command prints, for the error message
HEARTBEAT_S = 5.0
HEARTBEAT_TIMEOUT_S = 30.0  # without a heartbeat the other end cleans up after that
SHUTDOWN_TIMEOUT_S = 15.0  # for the other end to clean up when the connection is closed
# The agent's text follows as one line of input: a login shell would read it in its own grammar. Without ', \\, ! and
# line breaks sh, bash, zsh, fish, csh and tcsh read this word alike. The folder that ssh starts in may hold a json.py.
BOOTSTRAP = "import sys; sys.path[:] = [path for path in sys.path if path]; exec(eval(sys.stdin.readline()))"
FULL_DISK = "no space left|disk quota"
OPTIONS = (
    "ConnectTimeout=10",
    f"ServerAliveInterval={HEARTBEAT_S:.0f}",
    "ServerAliveCountMax=3",
    "ControlPath=none",  # a shared connection would outlive this one
    "RemoteCommand=none",
    "LogLevel=ERROR",
)


class RemoteDevice:
    """A connection to another machine and a private folder there, within the `with` block.

    Entering the block and every method raise InputError, in one line, where the connection cannot be made or is lost.

    Args:
        host: USER@HOST or ssh://USER@HOST:PORT, as ssh takes it.
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
        self.host, port = parse_address(host, port)
        self.report = report
        self._options = [] if port is None else ["-o", f"Port={port}"]
        self._options += [] if identity is None else ["-o", f"IdentityFile={identity}", "-o", "IdentitiesOnly=yes"]

    def __enter__(self) -> RemoteDevice:
        with contextlib.ExitStack() as stack:
            self._stopped, self._writing = threading.Event(), threading.Lock()
            marker = secrets.token_hex(16)
            command = f"python3 -c '{BOOTSTRAP}' {HEARTBEAT_TIMEOUT_S:g} {marker}"
            options = [word for option in OPTIONS for word in ("-o", option)]
            self._ssh = subprocess.Popen(
                ["ssh", "-T", *options, *self._options, "--", self.host, command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert self._ssh.stdin is not None and self._ssh.stdout is not None
            self._input, self._output, self._received = self._ssh.stdin, self._ssh.stdout, bytearray()
            self._errors = ErrorTail(self._ssh.stderr)
            stack.callback(self._errors.close)
            stack.callback(self._close)
            self._write(ascii(Path(__file__).with_name("remote_agent.py").read_text()).encode() + b"\n")
            threading.Thread(target=self._send_heartbeats, daemon=True).start()
            self._skip_noise(f"\n{marker}\n".encode())
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

    def _send(self, message):
        self._write((json.dumps(message) + "\n").encode())

    def _write(self, line):
        with self._writing, contextlib.suppress(OSError, ValueError):  # _receive reports that it is lost
            self._input.write(line)
            self._input.flush()

    def _skip_noise(self, marker):
        """Skip what the login shell's own files print, up to the agent's marker."""
        end = time.monotonic() + HELLO_TIMEOUT_S
        while marker not in self._received:
            if len(self._received) > NOISE_BYTES:
                self._ssh.kill()
                raise InputError(f"{self.host}: more than {NOISE_BYTES:,} bytes come before ecg-edge's program there "
                                 "starts: its shell's own files (.bashrc, .cshrc) print them")  # fmt: skip
            if time.monotonic() > end:
                raise self._silence_error(HELLO_TIMEOUT_S)
            self._read()
        del self._received[: self._received.index(marker) + len(marker)]

    def _read_hello(self):
        """Read what the agent says of itself first."""
        hello = self._receive(time.monotonic() + HELLO_TIMEOUT_S)
        if isinstance(hello.get("error"), str):
            raise InputError(f"{self.host}: {clean_text(hello['error'])}")
        folder, python, version, free = (hello.get(key) for key in ("folder", "python", "version", "free"))
        sound = all(isinstance(path, str) and path.startswith("/") and path.isprintable() and len(path) < 4096
                    for path in (folder, python))  # fmt: skip
        if not sound or type(free) is not int or not re.fullmatch(r"[\w.+]{1,40}", str(version)):
            raise self._protocol_error()
        self.folder, self.python, self.version, self.free = str(folder), str(python), str(version), free

    def _read(self) -> bool:
        """Whether something more was received; waits for it a little."""
        if not select.select([self._output], [], [], 0.2)[0]:
            return False
        piece = os.read(self._output.fileno(), 65536)
        if not piece:
            raise InputError(self._describe_loss())
        self._received += piece
        return True

    def _receive(self, end) -> dict:
        """The next message that says something. Raises InputError where none comes by `end`, or after long silence."""
        heard = time.monotonic()
        while True:
            now = time.monotonic()
            if now > end or now - heard > SILENCE_TIMEOUT_S:
                raise self._silence_error(now - heard)
            newline = self._received.find(b"\n")
            if newline < 0:
                if len(self._received) > MESSAGE_BYTES:
                    raise self._protocol_error()
                if self._read():
                    heard = time.monotonic()
                continue
            line = bytes(self._received[:newline])
            del self._received[: newline + 1]
            with contextlib.suppress(ValueError, RecursionError):
                message = json.loads(line)
                if isinstance(message, dict) and message:
                    return message

    def _silence_error(self, seconds):
        self._ssh.kill()
        return InputError(f"{self.host}: no answer for {seconds:.0f} s: the connection was closed")

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
        end = time.monotonic() + COPY_TIMEOUT_S
        for name, path in files.items():
            with open(path, "rb") as file:
                self._put_piece(name, 0, file.read(PIECE_BYTES), end)  # of an empty file too
                while piece := file.read(PIECE_BYTES):
                    self._put_piece(name, file.tell() - len(piece), piece, end)

    def _put_piece(self, name, start, piece, end):
        """Write a piece of a file there; each is answered before the next one is sent."""
        self._send({"put": name, "start": start, "data": base64.b64encode(piece).decode()})
        message = self._receive(end)
        if type(message.get("free")) is not int:
            raise self._protocol_error()
        self.free = message["free"]
        if "error" in message:
            reason = clean_text(str(message["error"]))
            full = re.search(FULL_DISK, reason, re.IGNORECASE)
            raise InputError(f"{self._describe_full_disk()} ({reason})" if full else f"{self.host}: {name}: {reason}")

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
        self._send({"get": name, "limit": limit})
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

    def _describe_full_disk(self):
        return f"{self.host}: the disk is full there: {self.free / 1e6:.1f} MB left in {Path(self.folder).parent}"

    # ------------------------------------------------------------------------------------------------ commands

    def try_command(self, command, report=lambda line: None, seconds=STEP_TIMEOUT_S) -> tuple[int, list[str]]:
        """Run a command in the folder there; returns its exit status and the last lines that it printed."""
        self._send([str(word) for word in command])
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
                self.report(pending.pop(0))

        status, printed = self.try_command(command, report, COMMAND_TIMEOUT_S)
        if status:
            raise InputError(f"{self.host}: {self.describe_failure(status, printed)}")
        for line in pending:
            self.report(line)

    def describe_failure(self, status: int, printed: Sequence[str]) -> str:
        """Why a command failed, from its exit status and the last lines that it printed."""
        full = [line for line in printed if re.search(FULL_DISK, line, re.IGNORECASE)]
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
        return make_environment(self, requirements, wheels, offline)
