"""3,000 damaged real records: an error that names the record, or the true signal."""

import random
import re
import shutil

import numpy as np
import pytest
from fuzz.mutation import mutate

from ecg_edge.records.formats.format_registry import check_files
from ecg_edge.records.formats.wfdb_format import read_wfdb
from ecg_edge.records.record_error import RecordError

RECORDS = ("cinc2017/A00001", "ptbxl/records100/00000/00009_lr", "aftdb/learning-set/n01", "format_samples/wfdb/a103l",
           "format_samples/wfdb/test01_00s", "format_samples/wfdb/test01_00s_skewframe",
           "format_samples/wfdb/310derive", "format_samples/wfdb/041s/041s01")  # fmt: skip


@pytest.fixture(params=RECORDS)
def real_record(request, real_data, tmp_path):
    """A copy of a real record: its stem and its true signal."""
    database, _, name = request.param.partition("/")
    stem = real_data(database) / name
    if not stem.with_name(f"{stem.name}.hea").is_file():
        pytest.skip(f"{request.param} is not here")
    names = {line.split()[0] for line in stem.with_suffix(".hea").read_text().splitlines()[1:] if line[0] != "#"}
    for file in (f"{stem.name}.hea", *names):
        shutil.copyfile(stem.parent / file, tmp_path / file)
    return tmp_path / stem.name, read_wfdb(stem)


def count_outcomes(stem, file, true, attempts, is_beyond_telling):
    """Damage a file `attempts` times: how often it was refused, remarked or read truly."""
    dice, content = random.Random(str(stem.name)), file.read_bytes()
    outcomes = {"refused": 0, "remarked": 0, "true": 0, "beyond telling": 0}
    remarks = check_files(stem)
    for attempt in range(attempts):
        damaged = mutate(content, dice)
        file.write_bytes(damaged)
        try:
            record = read_wfdb(stem)
        except RecordError as error:
            assert stem.name in str(error) or file.name in str(error), error
            outcomes["refused"] += 1
            continue
        same = record.signal.shape == true.signal.shape and np.array_equal(record.signal, true.signal, equal_nan=True)
        if same and (record.fs, record.leads) == (true.fs, true.leads):
            outcomes["true"] += 1
        elif check_files(stem) != remarks:
            outcomes["remarked"] += 1
        else:
            assert is_beyond_telling(damaged), (attempt, damaged[:400])
            outcomes["beyond telling"] += 1
    return outcomes


@pytest.mark.slow
def test_damaged_signal_files_are_refused_or_read_truly(real_record):
    stem, true = real_record
    (file,) = [file for file in stem.parent.iterdir() if file.suffix in (".dat", ".mat")][:1]
    outcomes = count_outcomes(stem, file, true, 250, lambda damaged: False)
    assert outcomes["refused"] > 200


@pytest.mark.slow
def test_damaged_headers_are_refused_remarked_or_read_as_they_say(real_record):
    """A legal number in place of another, or another name of a lead, is all that a header can hide."""
    stem, true = real_record
    file = stem.with_name(f"{stem.name}.hea")
    original = [re.split(rb"[ \t]+", line.strip(), maxsplit=8) for line in file.read_bytes().splitlines()]

    def is_beyond_telling(damaged):
        lines = [re.split(rb"[ \t]+", line.strip(), maxsplit=8) for line in damaged.splitlines()]
        lines = [line for line in lines if line != [b""] and not line[0].startswith(b"#")]
        for number, (own, line) in enumerate(zip(original, lines, strict=False)):
            tellable = (1, 3) if number == 0 else (0, 1, 3, 5, 6, 7)  # not: rate; gain, ADC zero, name
            if any(own[field : field + 1] != line[field : field + 1] for field in tellable):
                return False
        return True

    outcomes = count_outcomes(stem, file, true, 125, is_beyond_telling)
    assert outcomes["refused"] > 30
