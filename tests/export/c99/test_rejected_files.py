"""Files that no program is generated from: one line says why, and nothing is written."""

import time

import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import small_network
from small_models import convolutional

from export.c99 import generate
from export.tflite import flatbuffer
from firmware_bench.runtime.errors import InputError


def generate_fails(data, folder):
    with pytest.raises(InputError) as caught:
        generate(data, folder)
    assert "\n" not in str(caught.value)
    assert not folder.exists() and not list(folder.parent.iterdir())
    return str(caught.value)


def test_float_files_are_refused(tmp_path):
    assert "computes with float" in generate_fails(convolutional(integer=False), tmp_path / "out")


def test_damaged_files_are_refused(tmp_path):
    for data in (b"", b"nothing of the kind"):
        assert "not a TensorFlow Lite file" in generate_fails(data, tmp_path / "out")
    assert "the file is damaged" in generate_fails(convolutional()[:3000], tmp_path / "out")


def test_an_operator_without_a_kernel_is_named(tmp_path):
    model = flatbuffer.read(convolutional())
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.SOFTMAX:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LOCAL_RESPONSE_NORMALIZATION
    assert "LOCAL_RESPONSE_NORMALIZATION has no C99 kernel" in generate_fails(flatbuffer.write(model), tmp_path / "out")


def test_two_types_in_one_file_are_named(tmp_path):
    model = flatbuffer.read(convolutional())
    (graph,) = model.subgraphs
    graph.tensors[graph.operators[-1].outputs[0]].type = schema.TensorType.INT16
    assert "SOFTMAX computes with int16 values and SOFTMAX with int8" in generate_fails(
        flatbuffer.write(model), tmp_path / "out"
    )


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("keep me")
    with pytest.raises(InputError, match="holds files and no ecg_edge_files.json"):
        generate(convolutional(), folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_program_replaces_a_program(tmp_path):
    folder = tmp_path / "program"
    first = generate(convolutional(), folder, "old")
    assert generate(convolutional(), folder, "new").kept == first.kept == ()
    assert {path.name for path in folder.iterdir()} >= {"new.c", "new.h", "ecg_conv_s8.c"}
    assert not {"old.c", "old.h", "ecg_lstm_s8.c"} & {path.name for path in folder.iterdir()}  # only what is used


def test_a_component_that_grew_around_a_program_stays(tmp_path):
    """field-cases.md: exporting again deleted CMakeLists.txt, main.c and .git of the user."""
    folder = tmp_path / "component"
    generate(convolutional(), folder, "net")
    (folder / ".git").mkdir()
    own = {".git/HEAD": "ref", "CMakeLists.txt": "project(x)", "main.c": "int main(void) {}", "net.o": "object"}
    for name, text in own.items():
        (folder / name).write_text(text)
    (folder / "Makefile").write_text("all:  # mine")
    assert generate(convolutional(), folder, "other").kept == ("Makefile",)
    assert {name: (folder / name).read_text() for name in own} == own
    assert (folder / "Makefile").read_text() == "all:  # mine"
    assert (folder / "other.c").exists() and not (folder / "net.c").exists()


def test_a_shape_that_the_operator_does_not_make_is_one_line(tmp_path):
    """LiteRT computes shapes itself; a generated program would believe the file's and write beyond its arrays."""
    model = flatbuffer.read(small_network())
    model.metadata = []
    (graph,) = model.subgraphs
    graph.tensors[int(graph.operators[3].outputs[0])].shape = [1, 1, 2, 4]
    with pytest.raises(InputError, match=r"tensor \d+ is stated as \[1, 1, 2, 4\], its operator makes"):
        generate(flatbuffer.write(model), tmp_path / "program")
    assert not (tmp_path / "program").exists()


def test_a_huge_stated_shape_is_refused_before_anything_is_planned(tmp_path):
    """The schedule runs row by row: a file that states half a million rows must not keep it busy for minutes."""
    model = flatbuffer.read(small_network())
    model.metadata = []
    (graph,) = model.subgraphs
    for operator in graph.operators[:-1]:
        tensor = graph.tensors[int(operator.outputs[0])]
        sound, tensor.shape = tensor.shape, [1, 2**19, *tensor.shape[2:]]
        start = time.process_time()
        with pytest.raises(InputError):
            generate(flatbuffer.write(model), tmp_path / "program")
        assert time.process_time() - start < 2
        tensor.shape = sound
