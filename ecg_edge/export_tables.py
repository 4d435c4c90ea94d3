"""The tables of ecg-edge export: agreement with Keras, acceptance checks, layers."""

from ecg_edge import console


def print_report(report, explain: bool) -> None:
    """Print how the file agrees with Keras, its acceptance checks, and its layers where they are asked for."""
    if report.agreements:
        most = max(row.windows for row in report.agreements)
        rows = [
            [
                row.computed_by if row.windows == most else f"{row.computed_by}, {row.windows} windows",
                "" if row.sqnr_db is None else f"{row.sqnr_db:.1f}",
                "" if row.agreement is None else f"{row.agreement:.2%}",
                "" if row.score is None else f"{row.score:.3f}",
            ]
            for row in report.agreements
        ]
        header = ["computed by", "dB", report.agreement_name, f"{report.score_name}, validation windows"]
        console.table("The model", header, rows)
    results = {True: "pass", False: "FAIL", None: "not made"}
    rows = [[check.name, check.measured, check.required, results[check.passed]] for check in report.checks]
    console.table("Acceptance checks", ["check", "measured", "required", "result"], rows)
    if explain and not report.layers:
        console.log("--explain knows the error of every layer of 8-bit activations only")
    elif explain:
        header = ["layer", "operator", "range", "clips", "dB", "dB, rounded alone"]
        rows = [
            [x.tensor, x.operator, f"{x.low:.3g} … {x.high:.3g}", f"{x.clipped:.2%}", x.sqnr_db, x.sqnr_alone_db]
            for x in report.layers
        ]
        console.table("Layers, worst first", header, rows)
