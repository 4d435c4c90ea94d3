"""A machine to measure on: a real sshd on a loopback port, with keys, a Python and a cache folder of its own."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Loopback:
    """host, port, identity: how it is reached. cache: where ecg-edge keeps things there; bin: its whole PATH."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch):
        if not SSHD or not shutil.which("ssh"):
            pytest.skip("OpenSSH's server or client is not installed: apt-get install openssh-server openssh-client")
        self.folder, self.host = folder, f"{getpass.getuser()}@127.0.0.1"
        self.bin, self.cache, self.identity = folder / "bin", folder / "cache", folder / "id"
        for path in (self.bin, self.cache, folder / "own"):
            path.mkdir()
        for key in ("host_key", "id", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        script(self.bin / "python3", f'exec {sys.executable} "$@"')
        # A login shell's own files may change the environment; this one is then the last word.
        self.session = folder / "session"
        self.environment()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = {
            "ListenAddress": f"127.0.0.1:{self.port}",
            "HostKey": folder / "host_key",
            "AuthorizedKeysFile": folder / "id.pub",
            "ForceCommand": self.session,
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
        }
        (folder / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        # ssh has no other way to leave the user's own configuration and known hosts alone.
        (folder / "ssh_config").write_text(
            "BatchMode yes\nIdentitiesOnly yes\nStrictHostKeyChecking accept-new\n"
            f"UserKnownHostsFile {folder / 'known_hosts'}\nIdentityFile {folder / 'other'}\n"
        )
        script(folder / "own" / "ssh", f'exec {shutil.which("ssh")} -F {folder / "ssh_config"} "$@"')
        patch.setenv("PATH", f"{folder / 'own'}:{os.environ['PATH']}")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with open(folder / "sshd.log", "w") as log:
            command = [SSHD, "-D", "-e", "-f", folder / "sshd_config"]
            self.sshd = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self.listens, "sshd does not listen: " + (folder / "sshd.log").read_text())

    def environment(self, shell: str = "/bin/sh", **more) -> None:
        """The login shell there, and what sessions find in their environment."""
        variables = {"PATH": self.bin, "XDG_CACHE_HOME": self.cache, "HOME": self.folder, **more}
        words = " ".join(f"{name}='{value}'" for name, value in variables.items())
        script(self.session, f'exec /usr/bin/env -i {words} {shell} -c "$SSH_ORIGINAL_COMMAND"')

    def listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def reached(self) -> dict:
        """The arguments of RemoteDevice."""
        return {"host": self.host, "port": self.port, "identity": self.identity}

    def words(self) -> list[str]:
        """The options of ecg-edge bench."""
        return ["--host", self.host, "--port", str(self.port), "--identity", str(self.identity), "--offline"]

    def processes(self) -> dict[int, str]:
        """What runs there: everything that was started by a session."""
        found, mark = {}, f"XDG_CACHE_HOME={self.cache}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return found

    def folders(self) -> list[Path]:
        """The private folders there."""
        return list(self.cache.glob("ecg-edge/bench-*"))

    def sessions(self) -> list[int]:
        """The processes of sshd that serve connections."""
        every = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        parents = {int(pid): int(parent) for pid, parent in (line.split() for line in every.splitlines())}
        found = [self.sshd.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid and is_sshd(child)]
        return found[1:]

    def is_clean(self) -> bool:
        return not self.processes() and not self.folders()

    def stop(self) -> None:
        """Ends it, and fails where a bench has left something behind."""
        try:
            until(self.is_clean, lambda: f"left behind: {self.processes()} {self.folders()}")
        finally:
            for pid in self.sessions():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.sshd.terminate()
            self.sshd.wait()


def is_sshd(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().startswith("sshd")
    return False


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def until(holds, otherwise, seconds: float = 15) -> None:
    """Waits until `holds()`; fails with what `otherwise` says."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            pytest.fail(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.02)
