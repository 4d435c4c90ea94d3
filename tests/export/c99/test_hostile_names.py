"""Names with a meaning in C, to a shell, to make or in Markdown: the program compiles and holds them unchanged."""

import subprocess

import pytest
from handmade_tflite import small_network
from small_models import altered

from export.c99 import generate
from firmware_bench.runtime.errors import InputError

WARNINGS = [
    "-std=c99",
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wundef",
    "-Wstrict-prototypes",
    "-Werror",
]
HOSTILE = (
    "*/", "/*", "*/ int x; /*", '"', '", "x', "\\", "\\n", "\\\n", "\n#error x", "\r", "\t", "\x00",
    "\x1b[31m", "??/", "??=", "%s%n", "$run", "$(id)", "`id`", "; id", "é", "心房颤动", "\u202e", "\U0001f600",
    "int", "while", "main", "ecg_value", "_sN", "ECG_VALUE_BITS", "#if ECG_VALUE_BITS == 8", "#endif", "007",
    "\\123", "L", "", " ", "'", "{", "}", "//", "\udc80", "x" * 100_000,
)  # fmt: skip
PROGRAM = """
#include <stdio.h>
#include <string.h>
#include "small.h"
int main(void) {
    static const char *const labels[] = SMALL_LABEL_NAMES, *const leads[] = SMALL_LEAD_NAMES;
    size_t i;
    for (i = 0; i < SMALL_LABEL_COUNT; i++) { fwrite(labels[i], 1, strlen(labels[i]) + 1, stdout); }
    for (i = 0; i < SMALL_LEAD_COUNT; i++) { fwrite(leads[i], 1, strlen(leads[i]) + 1, stdout); }
    return 0;
}
"""


@pytest.fixture
def names_in_c(tmp_path):
    """(labels, leads) → what the compiled header holds of them."""

    def compiled(labels, leads):
        data = altered(small_network(), labels=labels, leads=leads)
        folder = tmp_path / "program"
        generate(data, folder, title="model")
        (folder / "names.c").write_text(PROGRAM)
        subprocess.run(["gcc", *WARNINGS, "-Wno-overlength-strings", "names.c", "-o", "names"], cwd=folder, check=True)
        printed = subprocess.run([folder / "names"], capture_output=True, check=True).stdout
        return [text.decode(errors="surrogateescape") for text in printed.split(b"\0")[:-1]]

    return compiled


def test_labels_and_leads_arrive_unchanged_in_c(names_in_c):
    # Others no C string can hold, or the metadata refuse.
    names = [name for name in HOSTILE if name.strip() and len(name) <= 100 and not {"\x00", "\udc80"} & set(name)]
    assert names_in_c(names, names) == names * 2


@pytest.mark.parametrize("name", HOSTILE)
def test_an_architecture_of_any_name_compiles(tmp_path, name):
    try:
        made = generate(altered(small_network(), architecture=name), tmp_path / "program", title=name)
    except InputError as error:
        assert str(error).isprintable()
        return
    source = tmp_path / "program" / f"{made.prefix}.c"
    subprocess.run(["gcc", *WARNINGS, "-fsyntax-only", source], check=True)
    assert source.name.isascii()
    assert (tmp_path / "program" / "README.md").read_text().splitlines()[2].startswith("Plain C99")


@pytest.mark.parametrize("name", HOSTILE)
def test_inputs_and_outputs_of_any_name_compile(tmp_path, name):
    ends = [{"name": name, "shape": [1, 64, 2], "dtype": "int8", "scale": 0.05, "zero_point": 0}]
    try:
        made = generate(altered(small_network(), inputs=ends), tmp_path / "program")
    except InputError as error:
        assert str(error).isprintable() and len(str(error)) < 500
        return
    subprocess.run(["gcc", *WARNINGS, "-fsyntax-only", tmp_path / "program" / f"{made.prefix}.c"], check=True)


FOLDERS = ("a b", "$(touch x)", "; touch x", "`touch x`", "'", '"', "&& touch x", "-n", "#", "%", "é", "a\nb")


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_any_name_passes_its_own_test(tmp_path, name):
    folder = tmp_path / name
    generate(small_network(), folder)
    ran = subprocess.run(["make", "-s", "-C", str(folder), "test"], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "x").exists() and not (folder / "x").exists()
