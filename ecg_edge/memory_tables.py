"""The tables of ecg-edge mcu: memory on boards, the generated program, Ethos-U."""

from collections import Counter

from ecg_edge import console

ARENA_PARTS = (
    ("tensor arena", "total"),
    ("  head: activations", "head"),
    ("  tail: persistent data of the interpreter", "tail"),
)


def print_plan(report: dict) -> None:
    """Print a report of `plan_microcontroller`."""
    _print_memory(report)
    print_program(report["c99"])
    _print_ethos_u(report["ethos_u"])
    if "both" in report:
        print_plan(report["beat_classifier"])
        _print_sums(report["both"])
    if "path" in report:
        _print_path(report["path"])


def _print_path(report: dict) -> None:
    """Print what the path from a sensor to labels takes."""
    from ecg_edge.api.device_cost import ESTIMATED_CURRENT, ESTIMATED_SHARE

    if "none" in report:
        return print(f"From a sensor to labels: {report['none']}")
    label, ram, flash = report["label"], report["ram"], report["flash"]
    rows = [
        ["memory of a signal", f"{ram['signal']:,}", "bytes", label],
        ["stack", f"{ram['stack']:,}", "bytes", label],
        ["flash of the code", f"{flash['code']:,}", "bytes", label],
        ["flash of weights and tables", f"{flash['weights']:,}", "bytes", label],
        ["instructions", f"{report['instructions']:,}", "a second", label],
        ["  of these the front end", f"{report['front_end']:,}", "a second", label],
        ["the dearest call of poll", f"{report['dearest']:,}", "instructions", label],
    ]
    title = f"From {report['sensor_fs']:g} Hz counts to an answer every {report['answer_s']:g} s"
    console.table(title, ["", "figure", "unit", "label"], rows)
    rows = [
        [name, f"{load['share']:.1%}", "–" if load["milliamps"] is None else f"{load['milliamps']:.3g}",
         "–" if load["hours"] is None else f"{load['hours']:,.0f}"]
        for name, load in report["boards"].items() if load
    ]  # fmt: skip
    title = f"Load of the core, and hours on {report['battery_mah']:g} mAh"
    notes = [f"Share of the clock: {ESTIMATED_SHARE}.", f"Current: {ESTIMATED_CURRENT}."]
    console.table(title, ["board", "of the clock", "mA", "hours"], rows, notes)


def _print_memory(report: dict) -> None:
    """Print the file's own figures and its fit on the boards."""
    from ecg_edge.api.microcontroller import ESTIMATED_FIT

    arena, flash = report["arena"], report["flash"]
    console.table(
        f"{report['file']} in TensorFlow Lite Micro",
        ["memory", "bytes", "label"],
        [
            *([part, f"{arena[key]:,}", arena["label"]] for part, key in ARENA_PARTS if key in arena),
            ["flash of the weights", f"{flash['weights']:,}", flash["label"]],
            ["flash of the whole file", f"{flash['file']:,}", flash["label"]],
        ],
    )
    rows = [
        [name, row["core"], _describe_share(row["flash_share"], row["flash"]),
         _describe_share(row["ram_share"], row["largest_ram_block"]), row["verdict"]]
        for name, row in report["boards"].items()
    ]  # fmt: skip
    console.table(
        "Whole file against flash, arena against the largest block of RAM",
        ["board", "core", "flash", "RAM", "verdict"],
        rows,
    )
    print(f"The fit is {ESTIMATED_FIT}.")
    if "none" in arena:
        print(f"Tensor arena: not measured, {arena['none']}")


def _describe_share(share: float | None, whole: int) -> str:
    """Return "92% of 1,048,576"."""
    from ecg_edge.number_format import UNDEFINED

    return f"{UNDEFINED if share is None else format(share, '.0%')} of {whole:,}"


def print_program(report: dict) -> None:
    """Print what the generated C99 program takes."""
    from ecg_edge.api.c99_generation import ESTIMATED_TIME, PLANNED, STACK_FACTOR

    rows = [["static RAM", f"{report['static_ram']['bytes']:,}", PLANNED]] if "static_ram" in report else []
    if "boards" in report:
        flash, ram, push, label = report["flash"], report["ram"], report["push"], report["label"]
        rows += [
            ["static RAM, by the linker", f"{ram['static']:,}", label],
            ["stack", f"{ram['stack']:,}", label],
            ["flash of the code", f"{flash['code']:,}", label],
            ["flash of the weights", f"{flash['weights']:,}", label],
            [f"instructions of a {report['run']}", f"{report['instructions']:,}", label],
            ["instructions of the dearest push", f"{push['dearest']:,}, {push['ratio']:,} times the mean", label]
            if push
            else ["pushes", "0: it takes a window at once", label],
            ["outputs that differ from LiteRT's", "0", label],
        ]
    if rows:
        console.table("The generated C99 program", ["", "bytes, count", "label"], rows)
    if "boards" in report:
        _print_operators(report["profile"])
        rows = [
            [name, "fits" if row["fits"] else _list_missing(row["missing"]),
             describe_time(row["time"]) if row["fits"] else "–",
             describe_time(row["push"]).split(", estimated")[0] if row["fits"] and push else "–"]
            for name, row in report["boards"].items()
        ]  # fmt: skip
        every = f"; a sample comes every {push['sample_ms']:g} ms" if push and push["sample_ms"] else ""
        title = f"By the linker, with {STACK_FACTOR} times the stack; time {ESTIMATED_TIME}{every}"
        console.table(title, ["board", "verdict", f"a {report['run']}", "dearest push"], rows)
    if "none" in report:
        print(f"Generated C99 program: {report['none']}")


def _print_operators(profile: dict) -> None:
    """Print the instructions of a window by operator."""
    total = sum(instructions for _, instructions in profile["operators"].values())
    rows = [
        ["between steps: which row is next, copies" if name == "flow" else name, "" if name == "flow" else count,
         f"{instructions:,}", f"{instructions / total:.1%}"]
        for name, (count, instructions) in profile["operators"].items()
    ]  # fmt: skip
    title = f"Instructions of a window by operator, {profile['label']}"
    console.table(title, ["operator", "steps", "instructions", "share"], rows)


def _print_ethos_u(report: dict) -> None:
    """Print the estimates for Ethos-U."""
    from ecg_edge.number_format import format_milliseconds

    if "none" in report:
        return print(f"Ethos-U: no estimate, {report['none']}")
    rows = [
        [
            name,
            f"{row['cycles']:,}",
            f"{row['clock'] / 1e6:g} MHz",
            f"about {format_milliseconds(row['milliseconds'])}, estimated",
            f"{row['sram']:,}",
            f"{row['flash']:,}",
            ", ".join(f"{count} × {kind}" for kind, count in Counter(row["fallback"]).items()) or "nothing",
        ]
        for name, row in report.items()
    ]
    title = "Ethos-U beside the core, estimated by ethos-u-vela, not measured"
    header = ["processor", "cycles", "clock", "time", "SRAM", "flash", "left to the core, not counted"]
    console.table(title, header, rows)


def describe_time(time: dict | None) -> str:
    """Return an estimated time with what it assumes."""
    from ecg_edge.number_format import format_milliseconds

    if time is None:
        return "memory only"
    assumed = f"CPI {time['cycles_per_instruction']} and {time['clock'] / 1e6:g} MHz"
    return f"about {format_milliseconds(time['milliseconds'])}, estimated at {assumed}"


def _list_missing(missing: dict[str, int]) -> str:
    return ", ".join(f"{count:,} bytes of {memory} missing" for memory, count in missing.items() if count)


def _print_sums(both: dict) -> None:
    """Print what a model and its beat classifier take together."""
    from ecg_edge.number_format import UNDEFINED

    parts = (
        ("tensor arenas", "arena"),
        ("flash of the files", "flash"),
        ("static RAM in C, planned", "c99_static_ram"),
    )
    rows = [[part, UNDEFINED if both[key] is None else f"{both[key]:,}", both["label"]] for part, key in parts]
    console.table("Both files", ["memory", "bytes", "label"], rows)
    verdicts = [[name, row["verdict"]] for name, row in both["boards"].items()]
    console.table("Both files on boards", ["board", "verdict"], verdicts)
