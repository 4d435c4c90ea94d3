"""SCP-ECG: the Standard Communications Protocol for computer-assisted electrocardiography (EN 1064).

Where I and II are stored without III, aVR, aVL and aVF, the standard lets these be computed; so it is done here.
"""

import struct

from ecg_edge.records.formats.ecgdatakit_format import EcgdatakitFormat, add_limb_leads
from ecg_edge.records.record import Record
from ecg_edge.records.record_error import RecordError

POINTERS = 22  # where the first pointer of section 0 begins: section, length, first byte (counted from 1)
LARGEST_SAMPLES = 10**7  # of all leads; a resting ECG has under 10^6


class ScpFormat(EcgdatakitFormat):
    """See the module."""

    name = "SCP-ECG"
    suffixes = (".scp",)
    largest_bytes = 2**24
    parser = "scp_ecg.SCPECGParser"

    def recognises(self, head: bytes) -> bool:
        if len(head) < 32:
            return False
        section, length = struct.unpack_from("<HI", head, 8)
        first, _, index = struct.unpack_from("<HII", head, POINTERS)
        return section == first == 0 and length >= 26 and index == 7

    def inspect(self, path: str) -> None:
        """Refuse impossible numbers of samples, for which ecgdatakit would allocate memory."""
        with open(path, "rb") as file:
            content = file.read()
        (length,) = struct.unpack_from("<I", content, 10)
        for at in range(POINTERS, min(6 + length, len(content) - 9), 10):
            section, _, index = struct.unpack_from("<HII", content, at)
            if section == 3 and 0 < index <= len(content) - 18:
                body = content[index - 1 + 16 :]
                leads = [struct.unpack_from("<II", body, 2 + 9 * i) for i in range(min(body[0], (len(body) - 2) // 9))]
                if any(stop - start >= LARGEST_SAMPLES // max(1, body[0]) for start, stop in leads):
                    raise RecordError(f"{path} is damaged: its section 3 states more samples than such a file holds")

    def find_fs(self, parsed) -> float:
        return 1e6 / parsed.raw_metadata["rhythm_sample_interval_us"]

    def find_start(self, lead) -> int:
        return int(lead.annotations.get("start_sample", 1))

    def complete(self, record: Record) -> Record:
        return add_limb_leads(record)
