"""DICOM waveforms (PS3.3 A.34): the first multiplex group that is no representative beat."""

import warnings

from ecg_edge.records.formats.ecgdatakit_format import EcgdatakitFormat
from ecg_edge.records.record_error import RecordError, describe_error

DEFLATED = "1.2.840.10008.1.2.1.99"  # compressed as a whole: a small file may hold any amount of data


class DicomFormat(EcgdatakitFormat):
    """See the module."""

    name = "DICOM"
    suffixes = (".dcm", ".dicom")
    largest_bytes = 2**28
    parser = "dicom_waveform.DICOMWaveformParser"

    def recognises(self, head: bytes) -> bool:
        return head[128:132] == b"DICM"

    def inspect(self, path: str) -> None:
        """Refuse compressed data sets, and those whose first waveform was computed from another one in the file."""
        from pydicom import dcmread
        from pydicom.filereader import read_file_meta_info

        try:
            with warnings.catch_warnings():  # pydicom quotes what it finds; ecgdatakit refuses what is wrong
                warnings.simplefilter("ignore")
                if str(read_file_meta_info(path).get("TransferSyntaxUID", "")) == DEFLATED:
                    raise RecordError(f"{path} is a deflated DICOM file: save it without compression")
                groups = dcmread(path).get("WaveformSequence") or ()
                origins = [str(group.get("WaveformOriginality", "")) for group in groups]
        except RecordError:
            raise
        except Exception as error:  # of a damaged file almost any
            raise RecordError(f"{path} is damaged: {describe_error(error)}") from None
        if origins[:1] == ["DERIVED"] and "ORIGINAL" in origins:
            raise RecordError(f"{path} begins with a derived waveform: put the original one first")

    def find_fs(self, parsed) -> float:
        leads, groups = parsed.leads, parsed.raw_metadata["multiplex_groups"]
        (fs,) = {
            group["sampling_frequency"]
            for group in groups
            if (group["channels"], group["samples"]) == (len(leads), len(leads[0].samples))
            and round(group["sampling_frequency"]) == leads[0].sampling_rate
        }
        return fs
