"""Does the test of a generated C99 program notice a damaged table? Mutation score, architecture by architecture.

    python benchmarks/table_mutation.py [--preset tiny]… [--arch NAME]…      # untrained models
    python benchmarks/table_mutation.py FILE…                                # exported files

One table of constants of the program (weights, biases, multipliers, shifts, look-up entries) after the other is damaged
in memory: its entries move on by one place, and then a bit of one entry is flipped, for up to eight entries. The test
of the folder runs each time, and notices the damage by the outputs alone or also by the digests of what its steps make.
Entries that no test input reads, as most of a look-up table for values that do not occur, cannot be noticed.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import click
from benchmark_result import report, result_option, run

TABLE = re.compile(r"^static const (u?int\d+_t) (\w+)\[(\d+)\] = \{", re.MULTILINE)
DRIVER = """
#define main test_main
#include "test.c"
#undef main
#include "model.inc"

struct table { const char *name; unsigned char *at; unsigned long count, size; };
static const struct table tables[] = {
%s
};

/* 2: an output differs; 1: a digest does; 0: neither. */
static int test_all(void)
{
    static ecg_value outputs[OUTPUTS];
    int outcome = 0;
    ecg_signal_state = SIGNAL_SEED;
    for (int32_t test = 0; (test < TESTS) && (outcome < 2); ++test) {
        memset(traced, 0, sizeof traced);
        run_test(test, outputs);
        for (int32_t n = 0; n < TRACED; ++n) {
            outcome |= (traced[n] != digests[(test * TRACED) + n]) ? 1 : 0;
        }
        outcome = (memcmp(outputs, expected + (test * OUTPUTS), sizeof outputs) != 0) ? 2 : outcome;
    }
    return outcome;
}

int main(void)
{
    static unsigned char saved[1 << 26];
    printf("sound %%d\\n", test_all());
    for (unsigned long n = 0; n < sizeof tables / sizeof *tables; ++n) {
        const struct table *t = &tables[n];
        unsigned long bytes = t->count * t->size, entries = t->count < 8 ? t->count : 8, found[3] = {0};
        memcpy(saved, t->at, bytes);
        memmove(t->at + t->size, saved, bytes - t->size);
        memcpy(t->at, saved + bytes - t->size, t->size);
        int whole = memcmp(t->at, saved, bytes) != 0 ? test_all() : -1;
        memcpy(t->at, saved, bytes);
        for (unsigned long e = 0; e < entries; ++e) {
            unsigned char *entry = t->at + (e * (t->count - 1) / (entries > 1 ? entries - 1 : 1)) * t->size;
            /* A shift by other than a few places is no program any more. */
            entry[t->size > 1 ? t->size - 2 : 0] ^= strstr(t->name, "shifts") != NULL ? 1 : 16;
            found[test_all()]++;
            memcpy(t->at, saved, bytes);
        }
        printf("%%s %%d %%lu %%lu %%lu\\n", t->name, whole, entries, found[1], found[2]);
    }
    return 0;
}
"""


@click.command()
@click.option("--preset", "presets", multiple=True, default=["tiny"], show_default=True, help="May be repeated.")
@click.option("--arch", "archs", multiple=True, help="May be repeated. Default: all.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@result_option
def main(presets, archs, files, result):
    from ecg_edge.console import log

    rows = []
    for name, data in read(files) if files else untrained(presets, archs):
        log(f"damaging the tables of {name}")
        rows.append({"model": name, **score(data)})
    report(result, "Damaged tables that the test of a generated program notices", "measured", "on this machine", rows)


def read(files):
    """Yield (name, file) of given files."""
    for file in files:
        yield file.stem, file.read_bytes()


def untrained(presets, archs):
    """Yield (name, integer file) of untrained models: of those that can be exported so, the step of a stream."""
    from untrained_models import STREAMING_SETTINGS, build, can_stream, integer_file, streaming_file

    from models_keras.registry import names

    for preset in presets:
        for arch in archs or names():
            if can_stream(arch):
                yield f"{arch}, {preset}, a step", streaming_file(build(arch, preset, settings=STREAMING_SETTINGS))
            else:
                yield f"{arch}, {preset}", integer_file(build(arch, preset))


def score(data: bytes) -> dict:
    """Damage every table of the program of a file, and count what its test notices.

    Returns:
        Of tables as a whole and of entries: how many were damaged, and how many the outputs, or outputs and digests,
        notice; and the names of the tables that are not noticed.
    """
    outcomes = damage_tables(data)
    whole = {name: outcome for name, (outcome, *_) in outcomes.items() if outcome >= 0}
    entries, by_digest, by_output = (sum(values[n] for values in outcomes.values()) for n in (1, 2, 3))
    return {
        "tables": len(whole),
        "noticed_by_outputs": sum(outcome == 2 for outcome in whole.values()),
        "noticed": sum(outcome > 0 for outcome in whole.values()),
        "entries": entries,
        "entries_noticed_by_outputs": by_output,
        "entries_noticed": by_digest + by_output,
        "silent": ", ".join(name for name, outcome in whole.items() if outcome == 0),
    }


def damage_tables(data: bytes) -> dict[str, tuple[int, ...]]:
    """Damage every table of the program of a file.

    Returns:
        Table → its outcome as a whole (2: an output differs, 1: a digest, 0: nothing; -1: all entries are equal), how
        many entries were damaged one by one, and of how many a digest or an output differed.
    """
    from export.c99 import generate

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "program")
        program = generate(data, folder)
        source = folder / f"{program.prefix}.c"
        text = source.read_text()
        tables = TABLE.findall(text)
        # The tables alone become writable; the model's source is part of the driver.
        (folder / "model.inc").write_text(TABLE.sub(r"static \1 \2[\3] = {", text))
        source.unlink()
        lines = [
            f'    {{"{table}", (unsigned char *){table}, {count}, sizeof *{table}}},' for _, table, count in tables
        ]
        (folder / "driver.c").write_text(DRIVER % "\n".join(lines))
        kernels = [str(path) for path in folder.glob("ecg_*.c")]
        command = ["cc", "-std=c99", "-O2", "-w", "-include", "test_trace.h", "-o", "driver", "driver.c", *kernels]
        subprocess.run(command, cwd=folder, check=True)
        ran = subprocess.run(["./driver"], cwd=folder, check=True, capture_output=True, text=True)
    sound, *lines = ran.stdout.splitlines()
    assert sound == "sound 0", "the undamaged program differs"
    found = {name: tuple(map(int, numbers)) for name, *numbers in map(str.split, lines)}
    return {name.removeprefix(f"{program.prefix}_"): numbers for name, numbers in found.items()}


if __name__ == "__main__":
    run(main)
