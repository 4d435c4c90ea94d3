"""EDF, EDF+D and BDF files."""

from small_files import RAMP, ecg, edf

from fuzz.record_target import RecordTarget


class EdfTarget(RecordTarget):
    name, file = "edf", "r.edf"

    def prepare(self, folder):
        gaps = edf([ecg()], reserved="EDF+D", onsets=[0, 1, 3, 4])
        bdf = edf([ecg(values=RAMP.astype("i4"))], version=b"\xffBIOSEMI", reserved="24BIT")
        return [edf([ecg(), ecg("Resp", "l")]), gaps, bdf]


TARGET = EdfTarget()
