"""The statements of PTB-XL: the diagnostic SCP-ECG codes and the superclass of each.

Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific Data 7:154, 2020: those rows
of its scp_statements.csv that are marked as diagnostic, with their diagnostic_class. All other codes state the form of
a wave or the rhythm, and belong to no superclass.
"""

import ast
from collections.abc import Mapping

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")  # normal, infarction, ST/T changes, conduction disturbance, hypertrophy
CODES = {
    "NORM": ("NORM",),
    "MI": (
        *("AMI", "ASMI", "ALMI", "IMI", "ILMI", "IPMI", "IPLMI", "LMI", "PMI"),
        *("INJAS", "INJAL", "INJIN", "INJIL", "INJLA"),
    ),
    "STTC": (
        *("NDT", "NST_", "DIG", "LNGQT", "ANEUR", "EL"),
        *("ISC_", "ISCAL", "ISCAN", "ISCAS", "ISCIL", "ISCIN", "ISCLA"),
    ),
    "CD": ("LAFB", "LPFB", "IRBBB", "CRBBB", "ILBBB", "CLBBB", "IVCD", "1AVB", "2AVB", "3AVB", "WPW"),
    "HYP": ("LVH", "RVH", "SEHYP", "LAO/LAE", "RAO/RAE"),
}
SUPERCLASS = {code: superclass for superclass, codes in CODES.items() for code in codes}


def parse_scp_codes(text: str) -> dict[str, float]:
    """Parse a cell of SCP codes.

    Args:
        text: "{'NORM': 100.0, 'SR': 0.0}" as in ptbxl_database.csv, or "SR;NORM".

    Returns:
        Code → likelihood in per cent, 0 where it is not stated.

    Raises:
        ValueError: The text begins with "{" and is no such dictionary.
    """
    if not text.startswith("{"):
        return {code.strip(): 0.0 for code in text.split(";") if code.strip()}
    try:
        return {str(code): float(likelihood) for code, likelihood in ast.literal_eval(text).items()}
    except (SyntaxError, AttributeError, TypeError, ValueError):
        raise ValueError(f"{text!r} is no list of SCP codes") from None


def find_superclasses(likelihoods: Mapping[str, float]) -> tuple[str, ...]:
    """Find the diagnostic superclasses of SCP codes.

    By the authors' convention every diagnostic code counts, whatever its likelihood: 0 stands for "not stated".

    Args:
        likelihoods: Code → likelihood in per cent.

    Returns:
        The superclasses, the likeliest first, equals in the order of CLASSES.
    """
    highest: dict[str, float] = {}
    for code, likelihood in likelihoods.items():
        if superclass := SUPERCLASS.get(code):
            highest[superclass] = max(likelihood, highest.get(superclass, 0.0))
    return tuple(sorted(highest, key=lambda superclass: (-highest[superclass], CLASSES.index(superclass))))
