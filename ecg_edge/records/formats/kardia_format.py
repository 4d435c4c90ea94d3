"""The JSON of AliveCor's Kardia API: the unfiltered signal of KardiaMobile and KardiaMobile 6L (data.raw)."""

import re

from ecg_edge.records.formats.ecgdatakit_format import EcgdatakitFormat

KEYS = re.compile(rb'"(recordedAt|algorithmDetermination|patientID|amplitudeResolution|mainsFrequency)"')


class KardiaFormat(EcgdatakitFormat):
    """See the module."""

    name = "Kardia JSON"
    suffixes = (".json",)
    shared_suffix = True
    largest_bytes = 2**25
    parser = "alivecor_kardia.AliveCorKardiaParser"

    def recognises(self, head: bytes) -> bool:
        return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" and len(set(KEYS.findall(head))) >= 2

    def find_fs(self, parsed) -> float:
        return float(parsed.raw_metadata["raw"]["frequency"])
