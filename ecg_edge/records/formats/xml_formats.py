"""The XML files of electrocardiographs: HL7 aECG, Philips Sierra, GE MUSE."""

import re

from ecg_edge.records.formats.ecgdatakit_format import EcgdatakitFormat, add_limb_leads
from ecg_edge.records.record import Record


class XmlFormat(EcgdatakitFormat):
    """XML whose root element tells the format. ecgdatakit refuses entities, and fetches nothing that a file names."""

    suffixes = (".xml",)
    shared_suffix = True
    root: str

    def recognises(self, head: bytes) -> bool:
        return find_root(head).lower() == self.root


class AecgFormat(XmlFormat):
    """HL7 annotated ECG (ANSI/HL7 V3 ECG R1): the first rhythm series and its first set of sequences."""

    name = "HL7 aECG"
    root = "annotatedecg"
    parser = "hl7_aecg.HL7aECGParser"

    def find_fs(self, parsed) -> float:
        return parsed.raw_metadata["rhythm_time"]["sampling_rate_exact"]


class PhilipsFormat(XmlFormat):
    """Philips Sierra XML 1.03 to 1.04, plain or compressed (XLI)."""

    name = "Philips XML"
    root = "restingecgdata"
    parser = "sierra_xml.SierraXMLParser"

    def find_fs(self, parsed) -> float:
        return parsed.leads[0].sampling_rate


class GeFormat(XmlFormat):
    """GE MUSE XML: the rhythm waveform. It stores I, II and V1 to V6 alone; the other limb leads are computed."""

    name = "GE MUSE XML"
    root = "restingecg"
    parser = "ge_muse_xml.GEMuseXMLParser"

    def find_fs(self, parsed) -> float:
        return parsed.leads[0].sampling_rate

    def complete(self, record: Record) -> Record:
        return add_limb_leads(record)


def find_root(head: bytes) -> str:
    """The name of the root element in the beginning of an XML file, without namespace; "" where it is none."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = re.sub(r"<\?.*?\?>|<!--.*?-->", "", head.decode(encoding, "ignore"), flags=re.DOTALL).lstrip()
    text = re.sub(r"^<!DOCTYPE[^>\[]*(\[.*?\])?\s*>", "", text, flags=re.DOTALL).lstrip()
    found = re.match(r"<(?:[\w.-]+:)?([\w.-]+)[\s>/]", text)
    return found[1] if found else ""
