import json

import pytest

from firmware_bench.runtime import generated_folder
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.generated_folder import MANIFEST, write_generated_folder


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("empty", [True, False])
def test_a_new_folder_holds_the_files(tmp_path, empty):
    folder = tmp_path / "made"
    if empty:
        folder.mkdir()
    assert write_generated_folder(folder, {"a.c": b"1", "model/b.c": b"2"}) == ()
    assert contents(folder) == {"a.c": b"1", "model/b.c": b"2"}
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_unchanged_files_are_replaced_and_removed_and_changed_ones_stay(tmp_path):
    write_generated_folder(tmp_path, {"same": b"1", "changed": b"1", "gone": b"1", "gone, changed": b"1", "lost": b"1"})
    for name in ("changed", "gone, changed", "own"):
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "lost").unlink()
    kept = write_generated_folder(tmp_path, {"same": b"2", "changed": b"2", "lost": b"2", "own": b"2", "new": b"2"})
    assert kept == ("changed", "gone, changed", "own")
    mine = dict.fromkeys(("changed", "gone, changed", "own"), b"mine")
    assert contents(tmp_path) == {"same": b"2", "lost": b"2", "new": b"2", **mine}
    assert write_generated_folder(tmp_path, {"same": b"3", "changed": b"3"}) == ("changed",)  # still the user's
    (tmp_path / "changed").unlink()
    assert write_generated_folder(tmp_path, {"same": b"3", "changed": b"3"}) == ()


def test_a_link_to_a_file_elsewhere_is_not_written_through(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"1")
    folder = tmp_path / "made"
    write_generated_folder(folder, {"a": b"1"})
    (folder / "a").unlink()
    (folder / "a").symlink_to(tmp_path / "elsewhere")
    assert write_generated_folder(folder, {"a": b"2"}) == ("a",)
    assert (tmp_path / "elsewhere").read_bytes() == b"1"


@pytest.mark.parametrize("calls", range(6))
def test_an_interruption_makes_no_file_the_user_s(tmp_path, monkeypatch, calls):
    write_generated_folder(tmp_path, {"a": b"1", "b": b"1", "old": b"1"})
    wanted, count = {"a": b"2", "b": b"2", "c": b"2"}, 0
    real = generated_folder.atomic_write

    def interrupted(path):
        nonlocal count
        count += 1
        if count > calls:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(generated_folder, "atomic_write", interrupted)
    if calls < 5:  # the manifest, three files, the manifest again
        with pytest.raises(KeyboardInterrupt):
            write_generated_folder(tmp_path, wanted)
    monkeypatch.undo()
    assert write_generated_folder(tmp_path, wanted) == ()
    assert contents(tmp_path) == wanted


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", '{"files": []}', '{"files": {"a": 1}}', '{"files": {"../a": ["0"]}}', '{"files": {"/a": []}}'],
)
def test_a_damaged_manifest_is_refused_in_one_line(tmp_path, manifest):
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(InputError, match="remove it") as refused:
        write_generated_folder(tmp_path, {"a": b"1"})
    assert str(tmp_path) in str(refused.value) and "\n" not in str(refused.value)
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_files_that_nobody_listed_are_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds files and no ecg_edge_files.json"):
        write_generated_folder(tmp_path, {"a": b"1"})
    assert contents(tmp_path) == {"thesis.txt": b"mine"}
    with pytest.raises(InputError, match="is a file"):
        write_generated_folder(tmp_path / "thesis.txt", {"a": b"1"})


def test_the_manifest_is_plain_json(tmp_path):
    write_generated_folder(tmp_path / "made", {"a": b""})
    (digests,) = json.loads((tmp_path / "made" / MANIFEST).read_text())["files"].values()
    assert [len(digest) for digest in digests] == [64]
