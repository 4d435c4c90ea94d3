import csv

import pytest

from ecg_edge.records.databases.scp_statements import CLASSES, SUPERCLASS, find_superclasses, parse_scp_codes


def test_the_likeliest_superclass_comes_first_and_equals_in_the_official_order():
    assert find_superclasses({"NDT": 50.0, "IMI": 35.0, "AMI": 40.0}) == ("STTC", "MI")
    assert find_superclasses({"IMI": 50.0, "ISC_": 45.0, "AMI": 40.0}) == ("MI", "STTC")
    assert find_superclasses({"LVH": 0.0, "1AVB": 0.0, "NORM": 0.0}) == ("NORM", "CD", "HYP")


def test_form_and_rhythm_statements_have_no_superclass():
    assert find_superclasses({"SR": 100.0, "PVC": 100.0, "LOWT": 0.0}) == ()


def test_codes_as_in_the_databases_table_and_as_a_list():
    assert parse_scp_codes("{'NORM': 80.0, 'SR': 0.0}") == {"NORM": 80.0, "SR": 0.0}
    assert parse_scp_codes(" SR; NORM ;") == {"SR": 0.0, "NORM": 0.0}
    assert parse_scp_codes("") == {}


@pytest.mark.parametrize("text", ["{'NORM': 80.0", "{'NORM'}", "{'NORM': 'x'}", "{'NORM': None}"])
def test_invalid_dictionaries_of_likelihoods_are_refused(text):
    with pytest.raises(ValueError, match="is no list of SCP codes"):
        parse_scp_codes(text)


def test_the_table_is_that_of_ptbxl(real_data):
    file = real_data("ptbxl") / "scp_statements.csv"
    if not file.is_file():
        pytest.skip("this copy of PTB-XL has no scp_statements.csv")
    with open(file, newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["diagnostic"] == "1.0"]
    assert {row[""]: row["diagnostic_class"] for row in rows} == SUPERCLASS
    assert set(SUPERCLASS.values()) == set(CLASSES)
