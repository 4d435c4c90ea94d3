"""Lead names as files, countries and standards write them, and leads that a recording lacks."""

import numpy as np
import pytest

from ecg_edge.records.record import STANDARD_LEADS, Record, standard_lead, standard_lead_names
from firmware_bench.runtime.errors import InputError

WRITTEN = ["{}", "Lead {}", "lead_{}", "ECG {}", "EKG {}", "ECG Lead {}", "MDC_ECG_LEAD_{}", "Ableitung {}", " {} "]
OTHERS = ["MLII", "-aVR", "ECG -aVR", "ECG1", "ECG 1", "Lead 1", "C1", "V7", "D2", "III-x", "EEG", ""]


@pytest.mark.parametrize("lead", STANDARD_LEADS)
@pytest.mark.parametrize("written", WRITTEN)
def test_known_names_of_the_twelve_leads(lead, written):
    for own in (lead, lead.upper(), lead.lower()):
        assert standard_lead(written.format(own)) == lead


@pytest.mark.parametrize(("name", "lead"), [("DI", "I"), ("dII", "II"), ("DIII", "III"), ("Dérivation I", "I")])
def test_names_of_the_limb_leads_in_other_languages(name, lead):
    assert standard_lead(name) == lead


@pytest.mark.parametrize(
    "name", ["MLII", "-aVR", "ECG -aVR", "ECG1", "ECG 1", "Lead 1", "C1", "V7", "D2", "III-x", "EEG", ""]
)
def test_other_names_stay_as_they_are(name):
    assert standard_lead(name) == name


def test_two_leads_of_one_name_are_numbered():
    assert standard_lead_names(["I", "Lead I", None]) == ("I 1", "I 2", "lead 3")


def test_a_missing_lead_is_named_with_those_that_are_there_and_how_to_rename():
    record = Record("r", "p", np.zeros((10, 2), np.float32), 250.0, ("MLII", "V5"))
    with pytest.raises(InputError, match=r"record r: no lead 'II': there is MLII, V5\..*--rename-lead 'NAME=II'"):
        record.select_leads(("V5", "II"))
    assert record.select_leads(("Lead V5",)).shape == (10, 1)
