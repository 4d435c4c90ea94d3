import contextlib
import functools
import hashlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ecg_edge.records import download as downloading
from ecg_edge.records.databases.cinc2017 import Cinc2017
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.download import download, parse_checksums
from firmware_bench.runtime.errors import InputError

FILES = {"100.hea": b"100 2 360", "100.dat": bytes(range(256)) * 300, "RECORDS": b"100\n", "x_mitdb/x_108.hea": b"no"}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, remembers what was asked for, spoils the files in `spoilt`, holds 100.dat back while `slow`."""

    asked: list
    spoilt: set
    slow: threading.Event

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        self.asked.append(name)
        while self.slow.is_set() and name == "100.dat":
            time.sleep(0.02)
        if name in self.spoilt:
            self.spoilt.discard(name)
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"wrong")
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of mitdb in PhysioNet's layout; .base is its address, .asked the names asked for, .spoilt to spoil."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    home = tmp_path / "server" / "mitdb" / "1.0.0"
    for name, content in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in FILES.items())
    (home / "SHA256SUMS.txt").write_text(sums)
    handler = type("Remembering", (Handler,), {"asked": [], "spoilt": set(), "slow": threading.Event()})
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(tmp_path / "server"))
    )
    threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True).start()
    handler.base, handler.home = f"http://127.0.0.1:{served.server_port}", home
    yield handler
    served.shutdown()
    served.server_close()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_wanted_files_are_downloaded_completely(server, tmp_path):
    done = []
    assert download(Mitdb(), tmp_path / "to", lambda *progress: done.append(progress), server.base) == 3
    assert files(tmp_path / "to") == ["100.dat", "100.hea", "RECORDS", "SHA256SUMS.txt"]
    assert (tmp_path / "to" / "100.dat").read_bytes() == FILES["100.dat"]
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_resumes_with_what_is_missing_or_partial(server, tmp_path):
    download(Mitdb(), tmp_path / "to", base=server.base)
    (tmp_path / "to" / "100.dat").write_bytes(FILES["100.dat"][:1000])
    (tmp_path / "to" / "100.hea").unlink()
    server.asked.clear()
    assert download(Mitdb(), tmp_path / "to", base=server.base) == 2
    assert "RECORDS" not in server.asked
    assert (tmp_path / "to" / "100.dat").read_bytes() == FILES["100.dat"]


def test_a_file_damaged_in_transfer_is_fetched_again(server, tmp_path):
    server.spoilt.add("100.hea")
    download(Mitdb(), tmp_path / "to", base=server.base)
    assert server.asked.count("100.hea") >= 2
    assert (tmp_path / "to" / "100.hea").read_bytes() == FILES["100.hea"]


def test_a_file_with_a_wrong_checksum_is_never_written(server, tmp_path):
    (server.home / "100.hea").write_bytes(b"another content")
    with pytest.raises(InputError, match=r"100\.hea: what arrived does not match the published SHA-256; .* resumes"):
        download(Mitdb(), tmp_path / "to", base=server.base)
    assert "100.hea" not in files(tmp_path / "to")
    assert not [name for name in files(tmp_path / "to") if "part" in name]


def test_missing_files_and_databases(server, tmp_path):
    (server.home / "100.dat").unlink()
    with pytest.raises(InputError, match=r"100\.dat: 404"):
        download(Mitdb(), tmp_path / "to", base=server.base)
    with pytest.raises(InputError, match=r"SHA256SUMS\.txt: 404"):
        download(Cinc2017(), tmp_path / "to", base=server.base)


def test_no_server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloading, "ATTEMPTS", 1)
    with pytest.raises(InputError, match="the same command resumes the download") as caught:
        download(Mitdb(), tmp_path / "to", base="http://127.0.0.1:9")
    assert "\n" not in str(caught.value)


def test_ctrl_c_leaves_nothing_half_written_and_the_rest_unfetched(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "CONNECTIONS", 1)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(Mitdb(), tmp_path / "to", interrupt, server.base)
    assert all((tmp_path / "to" / name).read_bytes() == FILES[name] for name in files(tmp_path / "to") if name in FILES)
    assert not [name for name in files(tmp_path / "to") if "part" in name]
    assert len(files(tmp_path / "to")) < 4
    download(Mitdb(), tmp_path / "to", base=server.base)
    assert files(tmp_path / "to") == ["100.dat", "100.hea", "RECORDS", "SHA256SUMS.txt"]


@pytest.mark.slow
def test_ctrl_c_on_the_command_line(server, tmp_path):
    server.slow.set()
    command = [sys.executable, "-c", "from ecg_edge.cli.main import main; main()", "data", "download", "mitdb"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [*command, "--to", str(tmp_path), "--url", server.base],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # a shell in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while "100.dat" not in server.asked:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    server.slow.clear()
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == 130, errors
    assert errors.strip().splitlines()[-1] == "error: interrupted" and "Traceback" not in errors
    assert not [name for name in files(tmp_path / "mitdb") if "part" in name]


def test_checksums_of_files_outside_the_folder_are_refused(tmp_path):
    (tmp_path / "SHA256SUMS.txt").write_text(f"{'0' * 64} ../100.hea\n")
    with pytest.raises(InputError, match="outside the database"):
        parse_checksums(tmp_path / "SHA256SUMS.txt", ("*",))
    (tmp_path / "SHA256SUMS.txt").write_text("<html>not found</html>")
    with pytest.raises(InputError, match="none of the expected files"):
        parse_checksums(tmp_path / "SHA256SUMS.txt", ("*.hea",))


@pytest.mark.parametrize(
    "name", ["/etc/100.hea", "..", "a/../../100.hea", "C:100.hea", "..\\100.hea", "a\x1b[31m.hea", "x\x00.hea"]
)
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    (tmp_path / "SHA256SUMS.txt").write_text(f"{'0' * 64} {name}\n")
    with pytest.raises(InputError, match="outside the database") as caught:
        parse_checksums(tmp_path / "SHA256SUMS.txt", ("*",))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("line", ["x 100.hea", "0 100.hea", f"{'g' * 64} 100.hea", f"{'0' * 64} SHA256SUMS.txt"])
def test_sums_that_are_none_are_refused(tmp_path, line):
    (tmp_path / "SHA256SUMS.txt").write_text(f"{line}\n")
    with pytest.raises(InputError, match="states no SHA-256"):
        parse_checksums(tmp_path / "SHA256SUMS.txt", ("*",))


# ---------------------------------------------------------------------------------------------- hostile servers


@pytest.fixture
def answering(tmp_path, monkeypatch):
    """answering(bytes or generator) → the address of a server that answers every request so, and closes."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloading, "ATTEMPTS", 1)
    sockets = []

    def serve(answer):
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def run():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    for piece in [answer] if isinstance(answer, bytes) else answer():
                        connection.sendall(piece)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/file"

    yield serve
    for each in sockets:
        each.close()


OK = b"HTTP/1.1 200 OK\r\n"


def silent():
    yield OK
    time.sleep(3)


def dripping():
    yield OK + b"\r\n"
    for _ in range(60):
        yield b"x"
        time.sleep(0.05)


def endless():
    yield OK + b"\r\n"
    while True:
        yield bytes(1 << 20)


def redirect(to):
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


HOSTILE = {
    "nothing": (b"", "."),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n", "."),
    "silence": (silent, "timed out"),
    "a byte now and then": (dripping, "less than 1,000 bytes per second"),
    "no end": (endless, "more than 5,000,000 bytes"),
    "too little": (OK + b"Content-Length: 100\r\n\r\nabc", "."),
    "a length that is none": (OK + b"Content-Length: -5\r\n\r\n" + b"x", "SHA-256"),
    "a chunk that is none": (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", "."),
    "a million headers": (OK + b"X: y\r\n" * 10**5, "."),
    "a redirect to a file": (redirect("file:///etc/passwd"), "."),
    "a redirect to ftp": (redirect("ftp://127.0.0.1/x"), "redirects from http to ftp"),
    "a redirect to itself": (redirect("/file"), "."),
    "escape codes": (b"HTTP/1.1 404 \x1b[31mred\r\nContent-Length: 0\r\n\r\n", "404"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_server_answers_is_one_line_and_leaves_no_file(answering, tmp_path, monkeypatch, name):
    answer, message = HOSTILE[name]
    monkeypatch.setattr(downloading, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(downloading, "SLOW_S", 0.5)
    with pytest.raises(InputError, match=message) as caught:
        downloading.fetch(answering(answer), tmp_path / "to" / "file", "0" * 64, limit=5_000_000)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400
    assert not list((tmp_path / "to").iterdir())


def test_a_large_file_is_never_in_memory_as_a_whole(server, tmp_path):
    import tracemalloc

    (server.home / "large").write_bytes(bytes(50 << 20))
    tracemalloc.start()
    downloading.fetch(f"{server.base}/mitdb/1.0.0/large", tmp_path / "large")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "large").stat().st_size == 50 << 20 and peak < 20 << 20


def test_labelled_folders_cannot_be_downloaded(tmp_path):
    (tmp_path / "labels.csv").write_text("record,label\nx,N\n")
    with pytest.raises(InputError, match="not on PhysioNet"):
        download(LabelledFolder(tmp_path), tmp_path)
