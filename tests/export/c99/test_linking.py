"""Several models in one firmware: of 8 and of 16 bits, called from C and from C++."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from handmade_tflite import TFLiteBuilder
from small_models import convolutional, reconstructing

from export.c99 import generate
from export.c99.names import argument_names, check_prefix, default_prefix
from export.c99.reference_kernels import run_reference_kernels
from firmware_bench.runtime.errors import InputError

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Wcast-qual", "-Wcast-align",
          "-Wwrite-strings", "-Wpointer-arith", "-Wdouble-promotion", "-Wformat=2", "-Werror"]  # fmt: skip
STRICT_C = [*STRICT, "-std=c99", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wold-style-definition"]
COMPILERS = ["gcc", "clang", "arm-none-eabi-gcc"]


def rescaled(bits) -> bytes:
    """A convolution and a product, which every kernel for one value type has in the other, too."""
    file, dtype = TFLiteBuilder(), np.dtype(f"int{bits}").type
    scale = 0.05 if bits == 8 else 2e-4
    x = file.tensor((1, 1, 16, 3), dtype, scale)
    weights = file.constant(np.arange(-13, 14).reshape(1, 1, 3, 9)[..., :3] * 9, np.int8, [0.01] * 3, 3)
    options = schema.DepthwiseConv2DOptionsT(
        depthMultiplier=1, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=schema.Padding.SAME
    )
    y = file.operator("DEPTHWISE_CONV_2D", 3, [x, weights], file.tensor((1, 1, 16, 3), dtype, 2 * scale), options)
    product = file.tensor((1, 1, 16, 3), dtype, 4 * scale)
    return file.data([x], [file.operator("MUL", 2, [x, y], product, schema.MulOptionsT())])


MODELS = {
    "first": convolutional,
    "second": reconstructing,
    "byte": lambda: rescaled(8),
    "word": lambda: rescaled(16),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of four models in one folder, without their tests."""
    folder = tmp_path_factory.mktemp("firmware")
    for prefix, model in MODELS.items():
        made = generate(model(), folder / "one", prefix)
        for name in made.files:
            text = (made.folder / name).read_text()
            if name.startswith("test") or name in ("Makefile", "README.md"):
                continue
            assert not (folder / name).exists() or (folder / name).read_text() == text, "kernels are the same file"
            (folder / name).write_text(text)
    shutil.rmtree(folder / "one")
    return folder


def compile_objects(folder, compiler, *flags):
    for source in sorted(folder.glob("*.c")):
        run([compiler, *STRICT_C, *flags, "-O2", "-c", source.name, "-o", f"{source.stem}.o"], folder)
    return [f"{source.stem}.o" for source in sorted(folder.glob("*.c"))]


def run(command, folder):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def symbols(folder, objects):
    """{symbol: in how many objects it is defined}"""
    counts = {}
    for line in run(["nm", "-g", "--defined-only", *objects], folder).splitlines():
        if match := re.fullmatch(r"\w+ [A-Z] (\w+)", line):
            counts[match[1]] = counts.get(match[1], 0) + 1
    return counts


@pytest.mark.parametrize("compiler", COMPILERS)
def test_four_models_compile_without_warnings_and_share_no_name(compiler, folder):
    flags = ["-mcpu=cortex-m4", "-mthumb", "-masm-syntax-unified"] if compiler.startswith("arm") else []
    counts = symbols(folder, compile_objects(folder, compiler, *flags))
    assert set(counts.values()) == {1}
    functions = {f"{prefix}_{name}" for prefix in MODELS for name in ("run", "push", "reset")}
    assert functions < counts.keys() and all(re.search(r"_s(8|16)$", name) for name in counts.keys() - functions)


def test_every_macro_and_file_scope_name_of_a_model_begins_with_its_prefix(folder):
    for prefix in MODELS:
        header, source = ((folder / f"{prefix}{ending}").read_text() for ending in (".h", ".c"))
        macros = re.findall(r"^#define (\w+)", header, re.M)
        assert macros and all(macro.startswith(f"{prefix.upper()}_") for macro in macros)
        names = re.findall(r"^(?:static )?(?:const )?(?:struct )?\w+ \*?(\w+)[\[( ;]", source, re.M)
        assert len(names) > 5 and all(name.startswith(f"{prefix}_") for name in names)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_four_models_run_in_one_program(language, folder):
    """Called in turns, each gives what LiteRT's reference kernels give."""
    calls, expected = [], []
    for prefix, model in MODELS.items():
        header = (folder / f"{prefix}.h").read_text()
        size, outputs = (int(n) for n in re.findall(r"^#define \w+_SIZE (\d+)$", header, re.M)[:2])
        (kind,) = set(re.findall(r"const (int(?:8|16)_t)", header))
        data = model()
        shape = {"first": (1, 256, 2), "second": (1, 256, 2)}.get(prefix, (1, 1, 16, 3))
        values = np.random.default_rng(size).integers(-128, 128, shape).astype(kind.removesuffix("_t"))
        expected.append(run_reference_kernels(data, [values])[0].ravel())
        literals = ", ".join(map(str, values.ravel()))
        calls.append(
            f"static const {kind} {prefix}_in[{size}] = {{{literals}}}; static {kind} {prefix}_out[{outputs}];\n"
            f"static struct {prefix}_state {prefix}_memory;\n"
            f"static void call_{prefix}(int show) {{\n    {prefix}_run(&{prefix}_memory, {prefix}_in, {prefix}_out);\n"
            f'    for (int i = 0; i < {outputs}; ++i) {{\n        if (show) {{ printf("%d%c", {prefix}_out[i], '
            f"i + 1 < {outputs} ? ' ' : '\\n'); }}\n    }}\n}}\n"
        )
    includes = "".join(f'#include "{prefix}.h"\n' for prefix in MODELS)
    turns = "".join(f"call_{prefix}({show}); " for show in (0, 1) for prefix in MODELS)
    main = f"#include <stdio.h>\n{includes}{''.join(calls)}int main(void) {{ {turns} return 0; }}\n"
    objects = compile_objects(folder, "gcc")
    source = folder / "caller" / f"main.{language.replace('+', 'p')}"
    source.parent.mkdir(exist_ok=True)
    source.write_text(main)
    compiler = ["gcc", "-std=c99"] if language == "c" else ["g++", "-std=c++17"]
    run([*compiler, *STRICT, "-I.", str(source), *objects, "-o", "program"], folder)
    lines = run([str(folder / "program")], folder).splitlines()
    for line, values in zip(lines, expected, strict=True):
        np.testing.assert_array_equal(np.array(line.split(), int), values)


def test_names_that_c_and_cpp_keep_for_themselves_are_changed(tmp_path, generated):
    """Inputs called like keywords, functions, the generator's variables, or one another."""
    file, shape = TFLiteBuilder(), (1, 1, 4, 2)
    inputs = [file.tensor(shape, np.int8, 0.1) for _ in range(8)]
    total = inputs[0]
    for x in inputs[1:]:
        total = file.operator("ADD", 2, [total, x], file.tensor(shape, np.int8, 0.1), schema.AddOptionsT())
    words = ["long", "class", "main", "t", "memcpy", "int8_t", "2nd lead", "Long"]
    for number, word in zip([*inputs, total], [*words, "namespace"], strict=True):
        file.tensors[number].name = word.encode()
    program = generated(file.data(inputs, [total]))
    assert program.run_own_test().startswith("0 of ")
    header = (program.folder / "model.h").read_text()
    parameters = re.search(r"void model_run\((.*)\);", header)[1]
    assert re.findall(r"\*(\w+)", parameters) == [
        "state", "long_input", "class_input", "main_input", "t_input", "memcpy_input", "int8_t_input", "input_2nd_lead",
        "long_input_2", "namespace_output",
    ]  # fmt: skip
    caller = program.folder / "caller.cpp"
    caller.write_text('#include "model.h"\n')
    run(["g++", *STRICT, "-std=c++17", "-fsyntax-only", str(caller)], program.folder)


def test_names_come_from_the_metadata(folder):
    header = (folder / "first.h").read_text()
    assert "void first_run(struct first_state *state, const int8_t *ecg, int8_t *probabilities);" in header
    assert "#define FIRST_SAMPLING_RATE_HZ 100.0f" in header
    assert '#define FIRST_LEAD_NAMES {"I", "II"}' in header and '#define FIRST_LABEL_NAMES {"N", "A", "O"}' in header


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("Model", "use at most 24 lower-case letters"),
        ("2nd", "use at most 24 lower-case letters"),
        ("a" * 25, "use at most 24 lower-case letters"),
        ("string", "name of another header"),
        ("ecg_conv_s8", "name of another header"),
        ("pro", "begins the name 'pro_babilities'"),
    ],
)
def test_a_prefix_that_does_not_compile_is_refused(prefix, message):
    with pytest.raises(InputError, match=message):
        check_prefix(prefix, ["ecg", "pro_babilities"], ["ecg_conv_s8", "ecg_fixed"])


def test_the_default_prefix_is_the_architecture():
    assert default_prefix("cnn_att_bilstm", 8) == "cnn_att_bilstm"
    assert default_prefix("ecg_mamba", 16) == "ecg_mamba_int16"
    assert default_prefix("", 8) == "model" and default_prefix("12-lead", 16) == "model_int16"
    assert len(default_prefix("a_very_long_name_of_an_architecture", 16)) <= 24


def test_argument_names_differ():
    assert argument_names(["x", "X", "x "], ["x"]) == ("x", "x_input", "x_input_2", "x_output")


def test_every_file_states_its_licence(folder):
    for path in [*folder.glob("*.c"), *folder.glob("*.h")]:
        assert path.read_text().startswith("/* SPDX-License-Identifier: Apache-2.0 */\n"), path.name


@pytest.mark.parametrize("prefix", MODELS)
def test_misra_rules_that_are_kept(prefix, folder):
    """No shift or bitwise operator on signed integers (10.1), no doubtful precedence (12.1), no comma (12.3), no
    recursion (17.2), no ignored result (17.7)."""
    command = ["cppcheck", "--std=c99", "--addon=misra", "--enable=style", "--inline-suppr", "-q"]
    sources = [f"{prefix}.c", *(path.name for path in folder.glob("ecg_*.c"))]
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed")
    found = subprocess.run([*command, *sources], cwd=folder, capture_output=True, text=True).stderr
    assert "misra-c2012-8.9" in found or "misra-c2012-18.4" in found, "the rules are checked"
    assert not re.findall(r".*misra-c2012-(?:10\.1|12\.1|12\.3|17\.2|17\.7)\]", found)
