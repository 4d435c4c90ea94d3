"""Files of a run that are damaged, or from somebody else, are refused in one line that names them."""

import io
import json
import warnings
import zipfile

import pytest
from run_documents import sound_documents, write_documents

from ecg_edge.run import Run
from ecg_edge.run_files import check_keras_archive
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def folder(tmp_path):
    return write_documents(tmp_path / "run", sound_documents())


def test_sound_documents_make_a_run(folder):
    run = Run(folder)
    assert run.task.decision == {"thresholds": [0.25, 0.5]} and run.build().output_shape == (None, 2)


@pytest.mark.parametrize("name", ["config", "split", "decision"])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '"x"', "[" * 100_000, "\xff", "{}\x00"])
def test_a_document_that_is_none_is_one_line(folder, name, text):
    (folder / f"{name}.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match="run") as caught:
        Run(folder).task  # noqa: B018
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "key, value",
    [
        ("classes", []), ("classes", ["AF", "AF"]), ("classes", ["AF", 1]), ("classes", "AF"),
        ("classes", ["\x1b[31m"]),
        ("leads", None), ("leads", [""]), ("leads", [["I"]]), ("fingerprint", 7), ("arch", "../../x"), ("arch", None),
        ("task", {"name": "none"}), ("task", {"name": ["x"]}), ("task", {"name": "multilabel", "x": 1}), ("seed", "x"),
        ("signal", {"fs": 1e300}), ("signal", {"fs": -1}), ("signal", {"fs": "250"}),
        ("signal", {"window_s": 1e12}),
        ("signal", {"filter_order": 10**6}), ("signal", {"normalise": "x"}), ("training", {"batch": 0}),
        ("model", {"kernel": 10**9}), ("model", {"kernel": "x"}), ("model", {"kernel": float("nan")}),
        ("model", {"kernel": 10**400}), ("model", {"filters": [8, -(10**400)]}), ("model", {"x": 1}),
        ("model", {"filters": [], "lstm_units": []}), ("seed", -1), ("seed", 2**32), ("seed", 10**400),
    ],
)  # fmt: skip
def test_a_value_of_the_configuration_that_is_none_is_one_line(folder, key, value):
    config = json.loads((folder / "config.json").read_text())
    config[key] = {**config[key], **value} if key in ("signal", "training", "model") else value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError) as caught:
        Run(folder).build()
    assert str(caught.value).isprintable() and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "decision", [{"thresholds": [0.5]}, {"thresholds": 0.5}, {"thresholds": ["x", "y"]}, {"x": [1]}]
)
def test_thresholds_that_are_none_are_one_line(folder, decision):
    (folder / "decision.json").write_text(json.dumps(decision))
    with pytest.raises(InputError, match=r"decision.json is damaged \(.*--resume"):
        Run(folder).task  # noqa: B018


# ------------------------------------------------------------------------------------------------- model.keras


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The bytes of a sound model.keras."""
    run = Run(write_documents(tmp_path_factory.mktemp("sound"), sound_documents()))
    run.build().save(run.path / "model.keras")
    return (run.path / "model.keras").read_bytes()


def repacked(content: bytes, change) -> bytes:
    """The archive after `change(parts)` of its parts by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_a_sound_file_is_read(folder, saved):
    (folder / "model.keras").write_bytes(saved)
    assert Run(folder).model().output_shape == (None, 2)


def rename_weights(parts):
    parts["model.weights.h5"] = parts["model.weights.h5"].replace(b"conv1d", b"xonv1d")


def run_code(parts):
    config = json.loads(parts["config.json"])
    layer = {"class_name": "Lambda", "config": {"function": "os.system"}, "module": "keras.layers"}
    config["config"]["layers"].append(layer)
    parts["config.json"] = json.dumps(config).encode()


HOSTILE = {
    "nothing": lambda content: b"",
    "no archive": lambda content: b"PK\x03\x04" + bytes(100),
    "cut off": lambda content: content[: len(content) // 2],
    "one byte of the weights": lambda content: content[:-5000] + bytes([content[-5000] ^ 255]) + content[-4999:],
    "no weights": lambda content: repacked(content, lambda parts: parts.pop("model.weights.h5")),
    "a part more": lambda content: repacked(content, lambda parts: parts.update({"../x": b""})),
    "weights that are none": lambda content: repacked(content, lambda parts: parts.update({"model.weights.h5": b"x"})),
    "a configuration that is none": lambda content: repacked(
        content, lambda parts: parts.update({"config.json": b"[]"})
    ),
    "weights of other names": lambda content: repacked(content, rename_weights),
    "a layer that runs code": lambda content: repacked(content, run_code),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_keras_file_that_is_none_is_one_line(folder, saved, name):
    (folder / "model.keras").write_bytes(HOSTILE[name](saved))
    with (
        warnings.catch_warnings(),
        pytest.raises(InputError, match=r"model\.keras cannot be read \(.*copy it") as caught,
    ):
        warnings.simplefilter("ignore")
        Run(folder).model()
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_an_archive_that_unpacks_to_gigabytes_is_refused_unread(tmp_path, saved):
    def fill(parts):
        parts["config.json"] = bytes(20 << 20)

    (tmp_path / "model.keras").write_bytes(repacked(saved, fill))
    with pytest.raises(ValueError, match="unpacks to 20,971,520 bytes"):
        check_keras_archive(tmp_path / "model.keras")
