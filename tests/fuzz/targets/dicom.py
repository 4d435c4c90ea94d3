"""DICOM waveforms."""

from small_files import dicom

from fuzz.record_target import RecordTarget


class DicomTarget(RecordTarget):
    name, file = "dicom", "r.dcm"

    def prepare(self, folder):
        dicom(folder / "r.dcm")
        return [(folder / "r.dcm").read_bytes()]


TARGET = DicomTarget()
