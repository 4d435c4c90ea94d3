"""WFDB signal files of every format: damaged ones have another checksum."""

import numpy as np
from wfdb_files import RANGES, Signal, write_record

from ecg_edge.records.formats.wfdb_format import read_wfdb
from fuzz.fuzzing import FuzzTarget
from fuzz.mutation import mutate

FORMATS = tuple(form for form in RANGES if form != 32)  # float32 does not hold its sums


class WfdbSignalTarget(FuzzTarget):
    name = "wfdb_signal"

    def prepare(self, folder):
        rng, contents = np.random.default_rng(0), []
        self._folder, self._truth = folder, {}
        for number, form in enumerate(FORMATS):
            leads = [Signal(name, np.cumsum(rng.integers(-9, 10, 300)), 1.0) for name in ("I", "II")]
            for lead in leads:
                lead.digital = np.clip(lead.digital, RANGES[form][0] + 1, RANGES[form][1])
            write_record(folder, f"f{form}", [(form, leads)])
            self._truth[form] = np.stack([lead.digital for lead in leads], axis=1)
            contents.append(bytes([number]) + (folder / f"f{form}_0.dat").read_bytes())
        return contents

    def damage(self, content, random):
        return content[:1] + mutate(content[1:], random)  # the first byte says which format it is

    def attempt(self, content, folder):
        form = FORMATS[content[0]]
        (folder / f"f{form}.hea").symlink_to(self._folder / f"f{form}.hea")
        (folder / f"f{form}_0.dat").write_bytes(content[1:])
        signal = np.nan_to_num(read_wfdb(folder / f"f{form}").signal, nan=RANGES[form][0]).astype(np.int64)
        truth = self._truth[form]
        if signal.shape != truth.shape:
            return f"format {form}: {signal.shape} for {truth.shape}"
        if ((signal.sum(axis=0) - truth.sum(axis=0)) % 65536).any():
            return f"format {form}: another signal, and the checksums differ"
        return None


TARGET = WfdbSignalTarget()
