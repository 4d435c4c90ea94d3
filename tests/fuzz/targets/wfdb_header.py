"""WFDB headers: text of whoever made the record, which names files and asks for memory."""

import numpy as np
from wfdb_files import Signal, write_record

from ecg_edge.records.formats.wfdb_format import WfdbFormat, read_wfdb
from ecg_edge.records.signal_description import HIGHEST_FS, LOWEST_FS
from fuzz.fuzzing import FuzzTarget


class WfdbHeaderTarget(FuzzTarget):
    name = "wfdb_header"

    def prepare(self, folder):
        self._folder, rng = folder, np.random.default_rng(0)

        def signal(name, samples=400, **options):
            return Signal(name, rng.integers(-500, 500, samples), **options)

        write_record(folder, "plain", [(16, [signal("I"), signal("II")])])
        write_record(folder, "units", [(212, [signal("I", units="µV")]), (516, [signal("II", gain=1e3, baseline=-7)])])
        frames = [signal("V1", 1600, per_frame=4, skew=2), signal("RESP", units="Ohm")]
        write_record(folder, "frames", [(16, frames)], rate="62.5/1000(0)")
        write_record(folder, "s_1", [(16, [signal("I", gain=800.0)])])
        (folder / "parts.hea").write_text("parts/4 1 250 1300 10:00:00 1/2/2003\nplain_l 0\ns_1 400\n~ 500\ns_1 400\n")
        (folder / "plain_l.hea").write_text("plain_l 1 250 0\n~ 0 200/mV 12 0 0 0 0 I\n")
        return [(folder / f"{name}.hea").read_bytes() for name in ("plain", "units", "frames", "parts")]

    def attempt(self, content, folder):
        for file in self._folder.iterdir():
            (folder / file.name).symlink_to(file)
        (folder / "r.hea").write_bytes(content)
        list(WfdbFormat().identity(str(folder / "r")))  # refuses nothing: a fingerprint is made of damaged data too
        record = read_wfdb(folder / "r")
        remarks = WfdbFormat().check_files(folder / "r")
        if not LOWEST_FS <= record.fs <= HIGHEST_FS or np.isinf(record.signal).any() or not record.samples:
            return f"{record.samples} samples at {record.fs} Hz, infinite values: {np.isinf(record.signal).any()}"
        if record.signal.shape[1] != len(record.leads) or len(set(record.leads)) != len(record.leads):
            return f"{record.signal.shape} of {record.leads}"
        if not "".join((*record.leads, *remarks, record.units)).isprintable():
            return f"control characters in {record.leads}, {record.units} or {remarks}"
        return None


TARGET = WfdbHeaderTarget()
