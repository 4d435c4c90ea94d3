"""What the labels and the leads of one database are in another: for unions, and to evaluate a model on other data.

LABEL_MAPS: database whose classes are wanted → database that has others → each of its labels → the one wanted, or None
where there is none. A recording all of whose labels have none is left out. Databases that are not named here cannot be
joined or compared, unless their labels are the same.

O of CinC 2017 is "other rhythm": ectopic beats and flutter are, findings on conduction and ST segments say nothing on
the rhythm. Rates (bradycardia, tachycardia) and sinus arrhythmia have no certain class there. N of CPSC 2021 is "not
AF". The superclasses of PTB-XL are diagnoses: a rhythm says nothing on them, an ST elevation alone may be MI or none.

STATEMENTS: database whose classes are wanted → codes of PTB-XL's statements → the class; all other codes say nothing
on them. A subendocardial injury is a depression of the ST segment. Incomplete blocks are no class of CPSC 2018.

RHYTHMS: database that labels recordings as a whole → label → the rhythm, a code of `record.RHYTHM_CODES`, that then
lasts through the recording. A recording whose labels state no rhythm, or two, has none.

LEADS_BY_POSITION: databases whose first leads may stand for each other, whatever their names: those of a Holter or a
wearable recorder, mostly a modified lead II or lead I first. A model of several leads must expect little of them.
"""

from collections.abc import Mapping, Sequence

LABEL_MAPS: dict[str, dict[str, dict[str, str | None]]] = {
    "cinc2017": {
        "cpsc2018": {
            "SNR": "N",
            "AF": "A",
            "PAC": "O",
            "PVC": "O",
            **dict.fromkeys(("I-AVB", "LBBB", "RBBB", "STD", "STE")),
        },
        "cpsc2021": {"N": "N", "AFf": "A", "AFp": None},  # paroxysmal: AF in a part of the recording only
        "ludb": {"NSR": "N", "AF": "A", "AFL": "O", **dict.fromkeys(("SB", "STach", "SA", "irregular SR"))},
        "afpdb": {"AF": "A", "N": None},  # N: no AF, which may be many ectopic beats
        "mimic-iv-ecg": {"NSR": "N", "AF": "A", "AFL": "O", "SB": None, "STach": None},
        "challenge2021": {
            "NSR": "N",
            "AF": "A",
            "AFL": "O",
            "PAC": "O",
            "PVC": "O",
            **dict.fromkeys(("BBB", "Brady", "LBBB", "RBBB", "IAVB", "IRBBB", "LAD", "LAnFB", "LQRSV", "NSIVCB")),
            **dict.fromkeys(("PR", "PRWP", "LPR", "LQT", "QAb", "RAD", "SA", "SB", "STach", "TAb", "TInv")),
        },
    },
    "ptbxl": {
        "cpsc2018": {
            "SNR": "NORM",
            "I-AVB": "CD",
            "LBBB": "CD",
            "RBBB": "CD",
            "STD": "STTC",
            **dict.fromkeys(("AF", "PAC", "PVC", "STE")),
        },
        "challenge2021": {
            **dict.fromkeys(("BBB", "LBBB", "RBBB", "IAVB", "IRBBB", "LAnFB", "NSIVCB"), "CD"),
            **dict.fromkeys(("LQT", "TAb", "TInv"), "STTC"),
            **dict.fromkeys(("AF", "AFL", "Brady", "LAD", "LQRSV", "NSR", "PAC", "PR", "PRWP", "PVC", "LPR", "QAb")),
            **dict.fromkeys(("RAD", "SA", "SB", "STach")),
        },
    },
    "cpsc2018": {
        "ludb": {"NSR": "SNR", "AF": "AF", **dict.fromkeys(("SB", "STach", "SA", "irregular SR", "AFL"))},
        "challenge2021": {
            "NSR": "SNR",
            "IAVB": "I-AVB",
            **{label: label for label in ("AF", "LBBB", "RBBB", "PAC", "PVC")},
            **dict.fromkeys(("AFL", "BBB", "Brady", "IRBBB", "LAD", "LAnFB", "LQRSV", "NSIVCB", "PR", "PRWP", "LPR")),
            **dict.fromkeys(("LQT", "QAb", "RAD", "SA", "SB", "STach", "TAb", "TInv")),
        },
    },
}
STATEMENTS: dict[str, dict[str, str | None]] = {
    "cinc2017": {
        "SR": "N",
        "AFIB": "A",
        **dict.fromkeys(("AFLT", "PAC", "PVC", "BIGU", "TRIGU", "SVARR", "SVTAC", "PSVT"), "O"),
    },
    "cpsc2018": {
        "NORM": "SNR",
        "AFIB": "AF",
        "1AVB": "I-AVB",
        "CLBBB": "LBBB",
        "CRBBB": "RBBB",
        "PAC": "PAC",
        "PVC": "PVC",
        "STE_": "STE",
        **dict.fromkeys(("STD_", "INJAS", "INJAL", "INJIN", "INJIL", "INJLA"), "STD"),
    },
}
# Classes of the databases in LABEL_MAPS. Where a recording has several mapped labels, the earlier one is the primary.
CLASSES: dict[str, tuple[str, ...]] = {
    "cinc2017": ("A", "O", "N", "~"),
    "ptbxl": ("MI", "STTC", "CD", "HYP", "NORM"),
    "cpsc2018": ("AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE", "SNR"),
}
RHYTHMS: dict[str, dict[str, str | None]] = {
    "cinc2017": {"N": "N", "A": "AFIB", "O": None, "~": None},
    "cpsc2018": {
        "SNR": "N",
        "AF": "AFIB",
        **dict.fromkeys(("I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")),
    },
    "ludb": {
        "NSR": "N",
        "SB": "SBR",
        "AF": "AFIB",
        "AFL": "AFL",
        **dict.fromkeys(("STach", "SA", "irregular SR")),
    },
    "afpdb": {"AF": "AFIB", "N": None},
}
LEADS_BY_POSITION: dict[str, tuple[str, ...]] = {
    "cinc2017": ("I",),
    "cpsc2021": ("I", "II"),
    "mitdb": ("MLII", "V1"),  # most records; 114 has V5 second, 102 and 104 V5 and V2
    "nstdb": ("MLII", "V1"),
    "svdb": ("ECG1", "ECG2"),  # placed as in mitdb, but no file says where
    "afdb": ("ECG1", "ECG2"),
    "ltafdb": ("ECG 1", "ECG 2"),
    "aftdb": ("ECG 1", "ECG 2"),
    "afpdb": ("ECG0", "ECG1"),
    "cudb": ("ECG",),
}


def find_label_map(name: str, own: Sequence[str], wanted: Sequence[str]) -> Mapping[str, str | None] | None:
    """Find what the labels of a database are among other classes.

    Args:
        name: The database.
        own: Its classes.
        wanted: Other classes, or some of them.

    Returns:
        Each of `own`, or of the statements that these sum up, → the label wanted or None; None where no map is written.
    """
    for vocabulary, maps in LABEL_MAPS.items():
        if wanted and set(wanted) <= set(CLASSES[vocabulary]) and name in maps and set(own) == set(maps[name]):
            return maps[name]
    if set(own) == set(CLASSES["ptbxl"]):  # superclasses of statements
        return next((codes for name, codes in STATEMENTS.items() if wanted and set(wanted) <= set(CLASSES[name])), None)
    return None


def map_labels(labels: Sequence[str], label_map: Mapping[str, str | None]) -> tuple[str, ...]:
    """Map a recording's labels; those without a counterpart are dropped, the primary one comes first."""
    mapped = {label_map.get(label) for label in labels} - {None}
    order = next(classes for classes in CLASSES.values() if mapped <= set(classes))
    return tuple(label for label in order if label in mapped)


def find_rhythm(name: str, labels: Sequence[str]) -> str | None:
    """The code of the rhythm that a recording of the database `name` has throughout, None where its labels state none
    or two."""
    rhythms = {rhythm for label in labels if (rhythm := RHYTHMS.get(name, {}).get(label))}
    return rhythms.pop() if len(rhythms) == 1 else None


def take_by_position(name: str, leads: Sequence[str]) -> bool:
    """Whether the leads of the database `name` may stand for `leads`, which are given by position or first in another
    database of LEADS_BY_POSITION."""
    wanted = [lead.lower() for lead in leads]
    first = [[lead.lower() for lead in own[: len(wanted)]] for own in LEADS_BY_POSITION.values()]
    by_position = wanted == [f"lead {number}" for number in range(1, len(wanted) + 1)]
    return len(wanted) <= len(LEADS_BY_POSITION.get(name, ())) and (by_position or wanted in first)
