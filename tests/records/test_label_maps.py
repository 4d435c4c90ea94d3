import pytest

from ecg_edge.records.databases.catalogue import DATABASES
from ecg_edge.records.databases.scp_statements import SUPERCLASS
from ecg_edge.records.label_maps import (
    CLASSES,
    LABEL_MAPS,
    LEADS_BY_POSITION,
    RHYTHMS,
    STATEMENTS,
    find_label_map,
    find_rhythm,
    map_labels,
    take_by_position,
)
from ecg_edge.records.record import RHYTHM_CODES


@pytest.mark.parametrize("wanted", LABEL_MAPS)
def test_every_label_of_a_mapped_database_has_a_counterpart_or_is_dropped_by_name(wanted):
    assert set(CLASSES[wanted]) == set(DATABASES[wanted].classes)
    for name, label_map in LABEL_MAPS[wanted].items():
        assert set(label_map) == set(DATABASES[name].classes), name
        assert any(label_map.values()) and set(label_map.values()) <= {None, *CLASSES[wanted]}, name


@pytest.mark.parametrize("wanted", STATEMENTS)
def test_statements_give_every_class(wanted):
    assert set(STATEMENTS[wanted].values()) == set(CLASSES[wanted]) - {"~"}  # noise is no statement
    rhythms = {"SR", "AFIB", "AFLT", "BIGU", "TRIGU", "SVARR", "SVTAC", "PSVT"}
    others = STATEMENTS[wanted].keys() - set(SUPERCLASS)  # no diagnoses
    assert {"AFIB", "PAC", "PVC"} <= others <= rhythms | {"PAC", "PVC", "STD_", "STE_"}
    assert find_label_map("any folder", CLASSES["ptbxl"], CLASSES[wanted][:2]) is STATEMENTS[wanted]


@pytest.mark.parametrize("name", RHYTHMS)
def test_every_label_states_a_rhythm_of_the_annotation_codes_or_none(name):
    assert set(RHYTHMS[name]) == set(DATABASES[name].classes)
    assert set(RHYTHMS[name].values()) <= {None, *RHYTHM_CODES}


def test_leads_by_position_are_those_that_the_databases_state():
    stated = {name: DATABASES[name].leads for name in LEADS_BY_POSITION if DATABASES[name].leads}
    assert len(stated) >= 5 and stated == {name: LEADS_BY_POSITION[name] for name in stated}


def test_the_map_follows_from_the_classes_wanted():
    cpsc = DATABASES["cpsc2018"].classes
    assert find_label_map("cpsc2018", cpsc, ("N", "A")) is LABEL_MAPS["cinc2017"]["cpsc2018"]
    assert find_label_map("cpsc2018", cpsc, ("NORM", "CD")) is LABEL_MAPS["ptbxl"]["cpsc2018"]
    assert find_label_map("cpsc2018", cpsc, ("N", "V")) is None
    assert find_label_map("cpsc2018", (*cpsc, "other"), ("N", "A")) is None  # a folder of that name, other labels


def test_the_primary_label_is_that_which_says_most():
    label_map = LABEL_MAPS["cinc2017"]["cpsc2018"]
    assert map_labels(("SNR", "PVC", "AF"), label_map) == ("A", "O", "N")
    assert map_labels(("RBBB", "SNR"), label_map) == ("N",)
    assert map_labels(("RBBB", "STE"), label_map) == ()


def test_a_recording_has_a_rhythm_if_its_labels_agree():
    assert find_rhythm("cpsc2018", ("RBBB", "AF")) == "AFIB"
    assert find_rhythm("cpsc2018", ("SNR", "AF")) is None
    assert find_rhythm("cpsc2018", ("RBBB",)) is None and find_rhythm("mitdb", ("N",)) is None


def test_which_leads_may_stand_for_others():
    assert take_by_position("svdb", ["lead 1", "lead 2"]) and take_by_position("svdb", ["mlii", "V1"])
    assert take_by_position("mitdb", ["I"]) and take_by_position("cinc2017", ["lead 1"])
    assert not take_by_position("svdb", ["V1", "V2"])
    assert not take_by_position("cinc2017", ["lead 1", "lead 2"])
    assert not take_by_position("ptbxl", ["lead 1"])
    assert not take_by_position("mitdb", ["lead 2"])
