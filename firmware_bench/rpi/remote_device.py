"""Another machine by the system's own ssh and scp, so that keys, agents, jump hosts and ~/.ssh/config work.

    with Remote("pi@raspberrypi.local") as there:
        python = there.environment(["ai-edge-litert==2.3.0", "numpy"])
        there.put({"bench_rpi.py": Path("bench_rpi.py"), "model.tflite": Path("model.tflite")})
        there.run([python, "bench_rpi.py", "model.tflite", "--out", "report.json"])
        there.get("report.json", Path("report.json"))

One connection carries everything. remote_agent.py runs at its other end, in a private folder, and removes the folder and
whatever still runs when the connection ends, however it ends.
"""

import contextlib
import hashlib
import json
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from firmware_bench.runtime.errors import InputError

SIGN_OF_LIFE_S = 5.0
SILENCE_S = 30.0  # after which the other end cleans up
PATIENCE_S = 15.0  # for its last words
OPTIONS = (
    "ConnectTimeout=10",
    f"ServerAliveInterval={SIGN_OF_LIFE_S:.0f}",
    "ServerAliveCountMax=3",
    "ControlMaster=yes",
    "ControlPersist=no",
    "LogLevel=ERROR",
)


class Remote:
    """A connection to `host` (as ssh names it) and a private folder there. Raises InputError, in one line, where it
    cannot be made, and whenever it is lost."""

    def __init__(
        self,
        host: str,
        port: int | None = None,
        identity: Path | None = None,
        say: Callable[[str], None] = lambda text: None,
    ):
        self.host, self.say = host, say
        self._options = [] if port is None else ["-o", f"Port={port}"]
        self._options += [] if identity is None else ["-o", f"IdentityFile={identity}", "-o", "IdentitiesOnly=yes"]

    def __enter__(self) -> "Remote":
        with contextlib.ExitStack() as stack:
            # /tmp: a socket's path is limited to about 100 characters.
            here = stack.enter_context(tempfile.TemporaryDirectory(prefix="ecg-", dir="/tmp"))
            self._here, self._stopped, self._writing = Path(here), threading.Event(), threading.Lock()
            self._errors = stack.enter_context(open(self._here / "errors", "w+b"))
            agent = Path(__file__).with_name("remote_agent.py").read_text()
            command = f"python3 -c {shlex.quote(agent)} {SILENCE_S:g}"
            options = [word for option in OPTIONS for word in ("-o", option)]
            self._socket = ["-o", f"ControlPath={self._here / 'ssh'}"]
            self._ssh = subprocess.Popen(
                ["ssh", "-T", *options, *self._socket, *self._options, "--", self.host, command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            stack.callback(self._close)
            threading.Thread(target=self._live, daemon=True).start()
            hello = self._hear()
            if "error" in hello:
                raise InputError(f"{self.host}: {hello['error']}")
            self.folder, self.python, self.version, self.free = (
                hello[key] for key in ("folder", "python", "version", "free")
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def _close(self):
        """Ends the connection, and waits until the other end has cleaned up."""
        self._stopped.set()
        with self._writing, contextlib.suppress(OSError):
            self._ssh.stdin.close()
        try:
            self._ssh.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._ssh.kill()
            self._ssh.wait()
        self._ssh.stdout.close()

    def _live(self):
        while not self._stopped.wait(SIGN_OF_LIFE_S):
            self._write(b"\n")

    def _write(self, line):
        with self._writing, contextlib.suppress(OSError, ValueError):  # that it is lost is said by who listens
            self._ssh.stdin.write(line)
            self._ssh.stdin.flush()

    def _hear(self):
        """The next message; what a login shell may print before the first one is passed over."""
        for line in self._ssh.stdout:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    return message
        raise InputError(self._lost())

    def _lost(self):
        """Why nothing more is heard."""
        status = self._ssh.wait()
        self._errors.seek(0)
        said = [line.strip() for line in self._errors.read().decode(errors="replace").splitlines() if line.strip()]
        reason = said[-1] if said else f"ssh ended with status {status}"
        if hasattr(self, "folder"):
            return f"{self.host}: the connection was lost ({reason}); what ran there has been ended: run it again"
        if status == 127 or "python3" in reason:
            return f"{self.host}: python3 is missing there ({reason}): sudo apt install python3 python3-venv"
        return f"{self.host}: {reason}: what has to work first is: ssh {self._by_hand()} python3 --version"

    def _by_hand(self):
        return " ".join([*self._options, self.host])

    # ------------------------------------------------------------------------------------------------ files

    def put(self, files: Mapping[str, Path]) -> None:
        """Copies files into the folder there, under new names, which may have a folder in front."""
        size = sum(path.stat().st_size for path in files.values())
        if size > self.free:
            raise InputError(f"{self._full()}, the files take {size / 1e6:.1f} MB")
        with tempfile.TemporaryDirectory(dir=self._here) as staged:
            for name, path in files.items():
                link = Path(staged, name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
            self._scp(*map(str, Path(staged).iterdir()), f"{self._address()}:{self.folder}/")

    def get(self, name: str, path: Path) -> None:
        """Copies the file `name` out of the folder there."""
        self._scp(f"{self._address()}:{self.folder}/{name}", str(path))

    def _address(self):
        user, at, name = self.host.rpartition("@")
        return f"{user}{at}[{name}]" if ":" in name else self.host

    def _scp(self, *words):
        command = ["scp", "-q", "-r", *self._socket, "-o", "ControlMaster=no", *self._options, "--", *words]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if ran.returncode:
            if self._ssh.poll() is not None:
                raise InputError(self._lost())
            reason = (ran.stderr.strip().splitlines() or [f"status {ran.returncode}"])[-1]
            _, said = self._told([self.python, "-c", "import shutil; print(shutil.disk_usage('.').free)"])
            self.free = int(said[-1])
            if self.free < 1_000_000:
                raise InputError(f"{self._full()} ({reason})")
            raise InputError(f"{self.host}: scp failed: {reason}")

    def _full(self):
        return f"{self.host}: the disk is full there: {self.free / 1e6:.1f} MB left in {Path(self.folder).parent}"

    # ------------------------------------------------------------------------------------------------ commands

    def _told(self, words, say=lambda line: None) -> tuple[int, list[str]]:
        """Runs a command in the folder there: its exit status, and the lines that it printed."""
        self._write((json.dumps([str(word) for word in words]) + "\n").encode())
        said = []
        while True:
            message = self._hear()
            if "status" in message:
                return message["status"], said
            if message["line"]:
                said.append(message["line"])
                say(message["line"])

    def run(self, words: Sequence) -> None:
        """Runs a command in the folder there and says what it prints, line by line. InputError with its last line
        where it fails."""
        pending = []

        def say(line):  # one line behind: the last one may be the error
            pending.append(line)
            if len(pending) > 1:
                self.say(pending.pop(0))

        status, said = self._told(words, say)
        if status:
            raise InputError(f"{self.host}: {self._reason(status, said)}")
        for line in pending:
            self.say(line)

    def _reason(self, status, said):
        full = [line for line in said if re.search("no space left|disk quota", line, re.IGNORECASE)]
        if full:
            return f"the disk is full there: {full[-1].strip()}"
        ended = f"killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return said[-1].replace("error: ", "", 1).strip() if said and status > 0 else ended

    def environment(self, requirements: Sequence[str], wheels: Sequence[Path] = (), offline: bool = False) -> str:
        """The path of a Python there that has `requirements`: in a virtual environment, made at its first use and kept
        in ~/.cache/ecg-edge there. wheels: files that are brought along. offline: nothing is fetched; without wheels
        and without such an environment it is the device's own python3."""
        digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
        key = hashlib.sha256(json.dumps([self.version, *requirements, *digests]).encode()).hexdigest()[:12]
        kept = Path(self.folder).with_name(f"python-{key}")
        python = kept / "bin" / "python"
        status, _ = self._told([self.python, "-c", f"import os, sys; sys.exit(not os.path.exists({str(python)!r}))"])
        if status == 0:
            return str(python)
        if offline and not wheels:
            return self.python
        self.say(f"{self.host}: making a virtual environment in {kept}")
        if wheels:
            self.put({f"wheels/{wheel.name}": wheel for wheel in wheels})
        made = Path(self.folder, "python")
        status, said = self._told([self.python, "-m", "venv", made])
        if status:
            missing = any("ensurepip" in line for line in said)
            way_out = "sudo apt install python3-venv" if missing else self._reason(status, said)
            raise InputError(f"{self.host}: python3 there makes no virtual environment: {way_out}")
        install = [made / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        install += ["--no-input", "--no-cache-dir", *(["--no-index"] if offline else [])]
        brought = [f"wheels/{wheel.name}" for wheel in wheels]
        names = [] if offline else [name for name in requirements if not any(_is_of(wheel, name) for wheel in wheels)]
        status, said = self._told([*install, *brought, *names], self.say)
        if status:
            raise InputError(
                f"{self.host}: {' '.join([*brought, *names])} cannot be installed there: {self._reason(status, said)}; "
                "--wheel FILE brings a wheel along, --offline uses what is there"
            )
        # Another bench may have been quicker; then its environment is taken, and this one goes with the folder.
        rename = f"import os, sys; os.path.exists({str(kept)!r}) or os.rename('python', {str(kept)!r})"
        self._told([self.python, "-c", rename])
        return str(python)


def _is_of(wheel, requirement):
    """Whether a wheel's file is of the package that a requirement names."""
    name = re.split(r"[^\w.-]", requirement)[0]
    return wheel.name.split("-")[0].lower() == re.sub(r"[-_.]+", "_", name).lower()
