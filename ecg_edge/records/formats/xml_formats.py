"""The XML files of electrocardiographs: HL7 aECG, Philips Sierra, GE MUSE."""

import base64
import binascii
import dataclasses
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ecg_edge.records.formats.ecgdatakit_format import EcgdatakitFormat, add_limb_leads
from ecg_edge.records.record import Record
from ecg_edge.records.record_error import RecordError, describe_error

LARGEST_UNPACKED = 2**26  # bytes; twelve leads of a minute at 1,000 Hz are 1.4 million


class XmlFormat(EcgdatakitFormat):
    """XML whose root element tells the format. ecgdatakit refuses entities, and fetches nothing that a file names."""

    suffixes = (".xml",)
    shared_suffix = True
    largest_bytes = 2**25
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
    """Philips Sierra XML 1.03 to 1.04, plain or compressed (XLI), without the calibration pulse at its end."""

    name = "Philips XML"
    root = "restingecgdata"
    parser = "sierra_xml.SierraXMLParser"

    def inspect(self, path: str) -> None:
        """Refuse more leads than there are, and compressed data that unpack to more than any recording."""
        try:
            root = parse_xml(path)
        except Exception as error:  # of a damaged file almost any
            raise RecordError(
                f"{path} is damaged, or no {self.name} file that can be read: {describe_error(error)}"
            ) from None
        unpacked = 0
        for element in root.iter():
            text = (element.text or "") + "".join(child.tail or "" for child in element)
            if element.tag in ("numberchannelsallocated", "numberchannelsvalid") and len(text.strip()) > 2:
                raise RecordError(f"{path} is damaged: it states {text.strip()[:20]} leads")
            unpacked += _measure_xli(text) if len(text) > 1000 else 0
            if unpacked > LARGEST_UNPACKED:
                raise RecordError(f"{path} would unpack to more than {LARGEST_UNPACKED} bytes: no such recording does")

    def find_fs(self, parsed) -> float:
        return parsed.leads[0].sampling_rate

    def complete(self, record: Record) -> Record:
        """Cut off the calibration pulse behind the ECG: in all leads alike zeros, 1 mV, and zeros to the end."""
        signal = record.signal
        if signal is None or signal.shape[1] < 3:
            return record
        alike = (signal == signal[:, :1]).all(axis=1) & np.isin(signal[:, 0].round(4), (0, 1))
        end = len(signal) - int(np.argmin(alike[::-1]))
        if alike.all() or not signal[end:].any():
            return record
        return dataclasses.replace(record, signal=signal[:end].copy())


class GeFormat(XmlFormat):
    """GE MUSE XML: the rhythm waveform. It stores I, II and V1 to V6 alone; the other limb leads are computed."""

    name = "GE MUSE XML"
    root = "restingecg"
    parser = "ge_muse_xml.GEMuseXMLParser"

    def find_fs(self, parsed) -> float:
        root = parse_xml(parsed.raw_metadata["filepath"])
        waveforms = [
            form for form in root.iter("Waveform") if (form.findtext("WaveformType") or "").strip() != "Median"
        ]
        base, exponent = (waveforms[0].findtext(tag) for tag in ("SampleBase", "SampleExponent"))
        fs = float(base or "nan") * 10.0 ** float(exponent or 0)
        if round(fs) != parsed.leads[0].sampling_rate:
            raise ValueError(f"{base} · 10^{exponent}")
        return fs

    def complete(self, record: Record) -> Record:
        return add_limb_leads(record)


def parse_xml(path: str) -> Element:
    """The root element of an XML file, names without namespaces. Raises almost any error for a damaged file."""
    from ecgdatakit.parsing.helpers.xml import parse_xml_root

    return parse_xml_root(Path(path).read_bytes())


def find_root(head: bytes) -> str:
    """The name of the root element in the beginning of an XML file, without namespace; "" where it is none."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = re.sub(r"<\?.*?\?>|<!--.*?-->", "", head.decode(encoding, "ignore"), flags=re.DOTALL).lstrip()
    text = re.sub(r"^<!DOCTYPE[^>\[]*(\[.*?\])?\s*>", "", text, flags=re.DOTALL).lstrip()
    found = re.match(r"<(?:[\w.-]+:)?([\w.-]+)[\s>/]", text)
    return found[1] if found else ""


def _measure_xli(text: str) -> int:
    """How many bytes Philips' compressed data unpack to; 0 where `text` is no such data.

    Chunks of a length (4 bytes), 4 bytes more, and codes of 10 bits by Lempel, Ziv and Welch.
    """
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return 0
    at = total = 0
    while at + 8 < len(content) and total <= LARGEST_UNPACKED:
        size = int.from_bytes(content[at : at + 4], "little")
        total += _measure_lzw(content[at + 8 : at + 8 + size])
        at += 8 + size
    return total


def _measure_lzw(content: bytes) -> int:
    """How many bytes codes of 10 bits unpack to, or more than LARGEST_UNPACKED."""
    lengths, previous, added, total = dict.fromkeys(range(256), 1), 0, 256, 0
    for bit in range(0, 8 * len(content) - 9, 10):
        piece = int.from_bytes(content[bit // 8 : bit // 8 + 3].ljust(3, b"\0"), "big")
        code = piece >> 14 - bit % 8 & 1023
        if code == 1023 or total > LARGEST_UNPACKED:
            break
        length = lengths.setdefault(code, previous + 1)
        if previous and added < 1023:
            lengths[added], added = previous + 1, added + 1
        total, previous = total + length, length
    return total
