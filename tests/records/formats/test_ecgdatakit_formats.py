"""SCP-ECG, DICOM, HL7 aECG, Philips, GE and Kardia files, against values computed here without ecgdatakit."""

import base64
import struct
import xml.etree.ElementTree as ET

import numpy as np
import pydicom
import pytest
from small_files import COUNTS, EIGHT, aecg, dicom, ge, kardia, philips, scp

from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.records.record_error import RecordError

HL7 = "{urn:hl7-org:v3}"


def limb_leads(one, two):
    return {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}


def refuse(folder, name, content, complaint):
    (folder / name).write_bytes(content)
    with pytest.raises(RecordError, match=complaint) as caught:
        read_record(folder / name)
    assert name in str(caught.value) and str(caught.value).isprintable()


def test_ge_stores_eight_leads_and_the_other_four_follow(tmp_path):
    (tmp_path / "r.xml").write_bytes(ge())
    record = read_record(tmp_path / "r.xml")
    expected = dict(zip(EIGHT, COUNTS * 0.00488, strict=True))
    expected |= limb_leads(expected["I"], expected["II"])
    assert record.leads == STANDARD_LEADS and record.fs == 500.0 and record.name == str(tmp_path / "r")
    for lead, column in zip(record.leads, record.signal.T, strict=True):
        np.testing.assert_allclose(column, expected[lead], atol=1e-6)


@pytest.mark.parametrize(("base", "exponent", "fs"), [(2505, -1, 250.5), (25, 1, 250), (240, 0, 240)])
def test_ge_states_an_exact_rate(tmp_path, base, exponent, fs):
    (tmp_path / "r.xml").write_bytes(ge(base=base, exponent=exponent))
    assert read_record(tmp_path / "r.xml").fs == pytest.approx(fs)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ge(unit="FURLONGS"), "no lead in a unit of voltage"),
        (ge(unit=""), "no lead in a unit of voltage"),
        (ge(crc=1), "CRC32 mismatch"),
        (ge(base=0), "SampleBase"),
        (ge(exponent=400), "damaged"),
        (ge(kind="Median"), "No rhythm waveform"),
        (ge()[:5000], "damaged"),
        (ge().replace(b"<LeadSampleCountTotal>500", b"<LeadSampleCountTotal>499", 1), "499"),
    ],
)
def test_damaged_ge_files_are_named(tmp_path, content, complaint):
    refuse(tmp_path, "r.xml", content, complaint)


def test_kardia(tmp_path):
    (tmp_path / "r.json").write_bytes(kardia(frequency=299.8))
    record = read_record(tmp_path / "r.json")
    np.testing.assert_allclose(record.signal.T, COUNTS[:2] * 500e-6, rtol=1e-6)
    assert (record.fs, record.leads) == (299.8, ("I", "II"))
    (tmp_path / "r.json").write_bytes(kardia(samples={"leadI": [1, None, 3]}))
    assert np.isnan(read_record(tmp_path / "r").signal[:, 0]).tolist() == [False, True, False]
    refuse(tmp_path, "r.json", kardia(resolution=None), "no lead in a unit of voltage")
    refuse(tmp_path, "r.json", kardia(frequency="x"), "frequency")
    refuse(tmp_path, "r.json", kardia(samples={"leadI": [1, 2], "leadII": [1]}), "different lengths")
    refuse(tmp_path, "r.json", kardia().replace(b"}", b"", 1), "damaged")
    refuse(tmp_path, "r.json", b'{"Name": "config", "Version": 1}', "in no known format")


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("mV", 1), ("V", 1e3), ("nV", 1e-6)])
def test_aecg(tmp_path, unit, factor):
    (tmp_path / "r.xml").write_bytes(aecg(unit=unit, origin="7", increment="0.00781555"))
    record = read_record(tmp_path / "r.xml")
    np.testing.assert_allclose(record.signal.T, (COUNTS[:2] * 2.5 + 7) * factor, rtol=1e-6)
    assert record.leads == ("I", "aVR") and record.fs == pytest.approx(1 / 0.00781555)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (aecg(unit=""), "no lead in a unit of voltage"),
        (aecg(increment="0"), "increment"),
        (aecg(increment="nan"), "damaged"),
        (aecg().replace(b"</digits>", b" 1 x</digits>", 1), "Invalid digits"),
        (aecg().replace(b"</digits>", b" 1</digits>", 1), "different lengths"),
        (aecg().replace(b"</digits>", b" inf</digits>"), "infinite"),
        (aecg()[:-200], "damaged"),
    ],
)
def test_damaged_aecg_files_are_named(tmp_path, content, complaint):
    refuse(tmp_path, "r.xml", content, complaint)


def test_philips(tmp_path):
    (tmp_path / "r.xml").write_bytes(philips(offset="40"))
    record = read_record(tmp_path / "r.xml")
    np.testing.assert_allclose(record.signal.T, (COUNTS[:2] - 40) * 0.005, rtol=1e-6)
    assert (record.fs, record.leads) == (500.0, ("I", "II"))
    refuse(tmp_path, "r.xml", philips(resolution=""), "no lead in a unit of voltage")
    refuse(tmp_path, "r.xml", philips(rate=0.1), "damaged")
    refuse(tmp_path, "r.xml", philips().replace(b"1.03", b"9.99"), "9.99")
    refuse(tmp_path, "r.xml", philips().replace(b'durationperchannel="1000"', b'durationperchannel="1e300"'), "damaged")


def test_scp(tmp_path):
    (tmp_path / "r.scp").write_bytes(scp(interval=7813))
    record = read_record(tmp_path / "r.scp")
    assert record.leads[:6] == STANDARD_LEADS[:6] and record.fs == pytest.approx(1e6 / 7813)
    expected = dict(zip(EIGHT, COUNTS * 2.5e-3, strict=True))
    expected |= limb_leads(expected["I"], expected["II"])
    for lead, column in zip(record.leads, record.signal.T, strict=True):
        np.testing.assert_allclose(column, expected[lead], atol=1e-6)


def test_leads_of_scp_that_begin_later_have_a_gap_before(tmp_path):
    (tmp_path / "r.scp").write_bytes(scp(COUNTS[:2], starts=[1, 101]))
    record = read_record(tmp_path / "r.scp")
    two = record.signal[:, record.leads.index("II")]
    assert record.samples == 600 and np.isnan(two[:100]).all()
    np.testing.assert_allclose(two[100:], COUNTS[1] * 2.5e-3, rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (scp(crc=1), "CRC mismatch"),
        (scp(avm=0), "no lead in a unit of voltage"),
        (scp(interval=0), "damaged"),
        (scp()[:-20], "damaged"),
        (scp().replace(struct.pack("<II", 1, 500), struct.pack("<II", 1, 4000000000)), "more samples than"),
    ],
)
def test_damaged_scp_files_are_named(tmp_path, content, complaint):
    refuse(tmp_path, "r.scp", content, complaint)


def test_dicom(tmp_path):
    counts = dicom(tmp_path / "r.dcm")
    record = read_record(tmp_path / "r.dcm")
    expected = np.where(counts == -32768, np.nan, counts * 2.5e-3 + 0.1)
    np.testing.assert_allclose(record.signal, expected, rtol=1e-5)
    assert (record.fs, record.leads) == (499.5, ("I", "II"))
    for options, complaint in (
        ({"unit": ""}, "no lead in a unit of voltage"),
        ({"fs": 0}, "Sampling Frequency"),
        ({"derived": True}, "begins with a derived waveform"),
    ):
        dicom(tmp_path / "r.dcm")
        dicom(tmp_path / "r.dcm", **options)
        with pytest.raises(RecordError, match=rf"r\.dcm.*{complaint}"):
            read_record(tmp_path / "r.dcm")
    dicom(tmp_path / "r.dcm")
    refuse(tmp_path, "r.dcm", (tmp_path / "r.dcm").read_bytes()[:-500], "damaged")


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
)  # fmt: skip


@pytest.mark.parametrize("content", [ge(), aecg(), philips()], ids=["ge", "aecg", "philips"])
@pytest.mark.parametrize("dtd", [BOMB + b"]>", b'<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'])
def test_entities_are_refused(tmp_path, content, dtd):
    start = content.index(b"<", content.rindex(b"<!DOCTYPE") + 1 if b"<!DOCTYPE" in content else 0)
    refuse(tmp_path, "r.xml", dtd + content[start:].replace(b">", b">&j;", 1), "(damaged|no known format)")


def test_data_that_unpack_to_more_than_a_recording_are_refused(tmp_path):
    codes = [0] + list(range(256, 1023)) + [1022] * 400_000  # strings that grow by a byte each, the longest repeated
    bits = "".join(f"{code:010b}" for code in codes)
    packed = int(bits, 2).to_bytes(-(-len(bits) // 8), "big")
    data = base64.b64encode(len(packed).to_bytes(4, "little") + bytes(4) + packed)
    content = philips(attributes='dataencoding="Base64" compressflag="True" compressmethod="XLI"')
    start, end = content.index(b'">', content.index(b"durationper")) + 2, content.index(b"</parsed")
    refuse(tmp_path, "r.xml", content[:start] + data + content[end:], "would unpack to more than")


def test_unknown_xml_is_named_by_its_root(tmp_path):
    refuse(
        tmp_path,
        "r.xml",
        b"<?xml version='1.0'?><!-- x --><plist/>",
        r"in no known format \(its root element is 'plist'",
    )


@pytest.mark.parametrize(
    "content", [ge(), aecg(), philips(), kardia(), scp()], ids=["ge", "aecg", "philips", "kardia", "scp"]
)
def test_content_tells_the_format_whatever_the_suffix(tmp_path, content):
    for name in ("r.bin", "R", "r.edf", "r.xml"):
        (tmp_path / name).write_bytes(content)
        assert "I" in read_record(tmp_path / name).leads


def test_without_the_extra_one_line_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr("ecg_edge.extras.is_installed", lambda package: package not in ("ecgdatakit", "pydicom"))
    (tmp_path / "r.scp").write_bytes(scp())
    with pytest.raises(Exception, match=r'reading SCP-ECG files needs ecgdatakit.*pip install "ecg-edge\[formats\]"'):
        read_record(tmp_path / "r.scp")


def test_the_dicom_sample_by_pydicom(real_data):
    path = real_data("format_samples") / "dicom" / "anonymous_ecg.dcm"
    dataset = pydicom.dcmread(path)
    record = read_record(path)
    np.testing.assert_allclose(record.signal, dataset.waveform_array(0) / 1000, rtol=1e-6, atol=1e-9)
    assert record.fs == dataset.WaveformSequence[0].SamplingFrequency and record.leads == STANDARD_LEADS


def test_the_aecg_sample_by_hand_and_the_scp_sample_of_the_same_ecg(real_data):
    folder = real_data("format_samples")
    root = ET.parse(folder / "hl7_aecg" / "subject1_0.xml").getroot()
    sequences = next(root.iter(f"{HL7}sequenceSet")).iter(f"{HL7}sequence")
    record, same = read_record(folder / "hl7_aecg" / "subject1_0.xml"), read_record(folder / "scp" / "Example.scp")
    compared = 0
    for sequence in sequences:
        code, value = sequence.find(f"{HL7}code").get("code"), sequence.find(f"{HL7}value")
        if not code.startswith("MDC_ECG_LEAD_"):
            continue
        scale = value.find(f"{HL7}scale")
        assert scale.get("unit") == "uV"
        counts = np.array(value.find(f"{HL7}digits").text.split(), float)
        expected = counts * float(scale.get("value")) / 1000
        column = [lead.upper() for lead in record.leads].index(code.removeprefix("MDC_ECG_LEAD_"))
        np.testing.assert_allclose(record.signal[:, column], expected, rtol=1e-6, atol=1e-9)
        compared += 1
    assert compared == 12 and record.fs == same.fs == 500
    np.testing.assert_allclose(record.select_leads(STANDARD_LEADS), same.select_leads(STANDARD_LEADS), atol=1e-6)


def unpack_xli(content):
    """Philips' compressed leads: second differences behind 10-bit codes by Lempel, Ziv and Welch."""
    at = 0
    while at < len(content):
        size, start = struct.unpack_from("<i2xh", content, at)
        bits = "".join(f"{byte:08b}" for byte in content[at + 8 : at + 8 + size])
        table, out, last = {i: bytes([i]) for i in range(256)}, b"", b""
        for code in (int(bits[i : i + 10], 2) for i in range(0, len(bits) - 9, 10)):
            if code == 1023:
                break
            entry = table[code] if code in table else last + last[:1]
            if last and len(table) < 1023:
                table[len(table)] = last + entry[:1]
            out, last = out + entry, entry
        high, low = (np.frombuffer(half, np.uint8).astype(int) for half in (out[: len(out) // 2], out[len(out) // 2 :]))
        codes = ((high << 8 | low) + 32768) % 65536 - 32768
        values = [codes[0], codes[1]]
        for code in codes[2:]:
            values.append(2 * values[-1] - values[-2] - start)
            start = code - 64
        yield np.array(values)
        at += 8 + size


@pytest.mark.parametrize(("name", "samples"), [("129DYPRG.XML", 5264), ("3191723_ZZDEMOPTONLY_1-04_orig.xml", 5300)])
def test_the_philips_samples_by_hand(real_data, name, samples):
    """Behind the ECG all leads have the same pulse of 1 mV and 0.2 s, which is cut off."""
    path = real_data("format_samples") / "philips_sierra" / name
    root = ET.fromstring(path.read_bytes())
    found = {element.tag.rpartition("}")[2]: element for element in root.iter()}
    leads = list(unpack_xli(base64.b64decode(found["parsedwaveforms"].text)))
    resolution = float((found.get("signalresolution", found.get("resolution"))).text)
    record = read_record(path)
    behind = np.array([lead[samples:5500] for lead in leads])[[0, 1, 6, 7, 8, 9, 10, 11]] * resolution / 1000
    assert record.samples == samples and (behind == behind[0]).all() and (behind[0] == 1).sum() == 100
    assert set(behind[0]) == {0, 1}
    expected = np.array([lead[:samples] for lead in leads]) * resolution / 1000
    np.testing.assert_allclose(
        record.signal[:, [0, 1, 6, 7, 8, 9, 10, 11]].T, expected[[0, 1, 6, 7, 8, 9, 10, 11]], atol=1e-6
    )
    one, two = record.signal[:, 0], record.signal[:, 1]
    for lead, column in limb_leads(one, two).items():  # stored as residuals, which are small
        np.testing.assert_allclose(record.signal[:, record.leads.index(lead)], column, atol=0.0101)
    assert record.fs == 500
