"""What an answer says in C: the labels of a network's outputs, and their calibrated probabilities."""

from firmware_bench.front_end.device_plan import Decision
from firmware_bench.runtime.temperature import ENTRIES, ONE


def decide(decision: Decision) -> list[str]:
    """Return the statements that set the bits of the labels that are present: `Decision.decide`."""
    count = len(decision.labels)
    if decision.thresholds is not None:
        return [
            "    answer->classes = 0u;",
            f"    for (uint32_t n = 0; n < {count}u; ++n) {{",
            "        answer->classes |= (answer->outputs[n] >= $thresholds[n]) ? (UINT32_C(1) << n) : 0u;",
            "    }",
        ]
    return [
        "    uint32_t largest = 0u;",
        f"    for (uint32_t n = 1u; n < {count}u; ++n) {{",
        "        largest = (answer->outputs[n] > answer->outputs[largest]) ? n : largest;",
        "    }",
        "    answer->classes = UINT32_C(1) << largest;",
    ]


def calibrate(decision: Decision, name: str = "probabilities") -> list[str]:
    """Return the statements that write the probabilities of an answer: `ProbabilityTable.look_up`.

    Args:
        decision: How outputs become labels.
        name: Of the table in C.
    """
    table, count = decision.probabilities, len(decision.labels)
    if table is None:
        return []
    scaled = f"(uint16_t)(((weight * {ONE}u) + (whole / 2u)) / whole)"
    return [
        *(["    uint32_t whole = 0u;"] if table.exclusive else []),
        f"    for (uint32_t n = 0u; n < {count}u; ++n) {{",
        f"        const int32_t above = (int32_t)answer->outputs[n] - ({table.zero_point});",
        f"        const uint32_t index = (above > 0) ? ((uint32_t)above >> {table.shift}) : 0u;",
        f"        answer->probabilities[n] = ${name}[(index < {ENTRIES}u) ? index : {ENTRIES - 1}u];",
        *(["        whole += answer->probabilities[n];"] if table.exclusive else []),
        "    }",
        *(
            [
                f"    for (uint32_t n = 0u; n < {count}u; ++n) {{",
                "        const uint32_t weight = answer->probabilities[n];",
                f"        answer->probabilities[n] = {scaled};",
                "    }",
            ]
            if table.exclusive
            else []
        ),
    ]
