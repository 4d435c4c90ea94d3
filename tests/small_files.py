"""Small files of every format of recordings, written here by their specifications, sound or with a given fault."""

import base64
import binascii
import json
import struct
import zlib

import numpy as np
import pydicom

RAMP = np.arange(-500, 500, dtype=np.int16)
COUNTS = np.random.default_rng(0).integers(-400, 400, (8, 500))
HOLTER = np.random.default_rng(0).integers(-900, 900, (1000, 3))
HOLTER[100:120, 1] = -32768  # a lead fault
MICROVOLTS = np.round(np.random.default_rng(0).normal(0, 300, 2000), 3)
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def edf(signals, seconds=1.0, records=None, reserved="", version=b"0       ", onsets=None):
    """The bytes of a file. `signals`: (label, unit, physical range, digital range, int (records, samples))."""
    count = len(signals[0][4]) if records is None else records
    if onsets is not None:
        texts = [f"+{onset:g}\x14\x14".encode().ljust(32, b"\0") for onset in onsets]
        marks = np.array([np.frombuffer(text, "<i2") for text in texts])
        signals = [*signals, ("EDF Annotations", "", (-1, 1), (-32768, 32767), marks)]
    fixed = version + b" " * 176 + f"{256 * (len(signals) + 1):<8}{reserved:<44}{count:<8}{seconds!s:<8.8}".encode()
    fixed += f"{len(signals):<4}".encode()
    columns = [(s[0], "", s[1], *s[2], *s[3], "", s[4].shape[1], "") for s in signals]
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    variable = "".join(f"{column[i]:<{width}}" for i, width in enumerate(widths) for column in columns)
    if version[0] == 255:
        blocks = [np.asarray(s[4], "<i4").view(np.uint8).reshape(*s[4].shape, 4)[..., :3] for s in signals]
    else:
        blocks = [np.asarray(s[4], "<i2") for s in signals]
    data = b"".join(block[i].tobytes() for i in range(len(blocks[0])) for block in blocks)
    return fixed + variable.encode("latin-1") + data


def ecg(label="ECG", unit="uV", physical=(-3000, 3000), digital=(-2048, 2047), values=RAMP, per_record=250):
    return label, unit, physical, digital, values.reshape(-1, per_record)


def ishne(counts=HOLTER, codes=(5, 13, 1), nanovolts=(2500, 5000, 1000), fs=200, stated=None, crc=0, comment=b"note"):
    count = counts.shape[1]
    fill = (0,) * (12 - count)
    header = struct.pack("<iiii", len(comment), len(counts) if stated is None else stated, 522, 522 + len(comment))
    header += struct.pack("<h", 1) + bytes(128)
    header += struct.pack("<h12h12h12h", count, *codes, *fill, *(0,) * 12, *nanovolts, *fill) + bytes(42)
    header += struct.pack("<h", fs) + bytes(522 - 10 - len(header) - 2) + comment
    checksum = (binascii.crc_hqx(header, 0xFFFF) + crc) % 65536
    return b"ISHNE1.0" + struct.pack("<H", checksum) + header + counts.astype("<i2").tobytes()


def apple(values=MICROVOLTS, rate="Sample Rate,512 hertz", unit="Unit,µV", lead="Lead,Lead I", comma=False):
    facts = ["Name,A Person", 'Date of Birth,"Jan 1, 1990"', "Recorded Date,2026-01-01 10:00:00 +0000"]
    facts += ["Classification,Sinus Rhythm", "Symptoms,", "Software Version,1.90", 'Device,"Watch7,12"', rate, "", ""]
    lines = [f"{value:.3f}".replace(".", "," if comma else ".") for value in values]
    return "\n".join([*facts, lead, unit, "", *lines, ""])


def polar(lost=(), rate=130.0, start=599616000000000000):
    times = start + np.rint(np.arange(2000) / rate * 1e9).astype(np.int64)
    lines = ["Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]"]
    for i, (time, value) in enumerate(zip(times, MICROVOLTS, strict=True)):
        if i not in lost:
            lines.append(f"2026-01-01T10:00:{i // 130:02}.000;{time};{(time - start) / 1e6:.6f};{value:.0f}")
    return "\n".join(lines) + "\n"


def ge(counts=COUNTS, base=500, exponent=0, scale="4.88", unit="MICROVOLTS", crc=0, kind="Rhythm"):
    leads = ""
    for name, values in zip(EIGHT, counts, strict=True):
        payload = values.astype("<i2").tobytes()
        leads += (
            f"<LeadData><LeadByteCountTotal>{len(payload)}</LeadByteCountTotal><LeadSampleCountTotal>{len(values)}"
            f"</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>{scale}</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>"
            f"{unit}</LeadAmplitudeUnits><LeadID>{name}</LeadID><LeadSampleSize>2</LeadSampleSize><LeadDataCRC32>"
            f"{zlib.crc32(payload) + crc}</LeadDataCRC32><WaveFormData>{base64.encodebytes(payload).decode()}"
            "</WaveFormData></LeadData>"
        )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>'
        f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{base}</SampleBase><SampleExponent>{exponent}"
        f"</SampleExponent>{leads}</Waveform></RestingECG>"
    ).encode()


def kardia(resolution=500.0, frequency=300.0, samples=None):
    samples = samples or {"leadI": COUNTS[0].tolist(), "leadII": COUNTS[1].tolist()}
    raw = {"frequency": frequency, "mainsFrequency": 50, "amplitudeResolution": resolution, "samples": samples}
    raw = {key: value for key, value in raw.items() if value is not None}
    document = {
        "id": "x",
        "recordedAt": "2026-01-01T00:00:00Z",
        "algorithmDetermination": "normal",
        "data": {"raw": raw},
    }
    return json.dumps(document).encode()


def aecg(increment="0.002", unit="uV", scale="2.5", origin="0", counts=COUNTS[:2]):
    leads = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{name}"/><value xsi:type="SLIST_PQ"><origin value="{origin}" '
        f'unit="{unit}"/><scale value="{scale}" unit="{unit}"/><digits>{" ".join(map(str, values))}</digits></value>'
        "</sequence></component>"
        for name, values in zip(("I", "AVR"), counts, strict=True)
    )
    return (
        '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><series>'
        '<code code="RHYTHM"/><component><sequenceSet><component><sequence><code code="TIME_RELATIVE"/><value '
        f'xsi:type="GLIST_PQ"><head value="0" unit="s"/><increment value="{increment}" unit="s"/></value></sequence>'
        f"</component>{leads}</sequenceSet></component></series></component></AnnotatedECG>"
    ).encode()


def philips(samples=None, resolution="5", offset="0", rate=500, attributes='dataencoding="Base64"'):
    samples = COUNTS[:2] if samples is None else samples
    data = base64.encodebytes(samples.astype("<i2").tobytes()).decode()
    return (
        "<restingecgdata><documentinfo><documenttype>SierraECG</documenttype><documentversion>1.03</documentversion>"
        f"</documentinfo><dataacquisition><signalcharacteristics><samplingrate>{rate}</samplingrate><signalresolution>"
        f"{resolution}</signalresolution><signaloffset>{offset}</signaloffset><signalsigned>True</signalsigned>"
        "<numberchannelsallocated>2</numberchannelsallocated><acquisitiontype>STD-12</acquisitiontype>"
        f'</signalcharacteristics></dataacquisition><waveforms><parsedwaveforms {attributes} durationperchannel="'
        f'{samples.shape[1] * 1000 / rate:.0f}">{data}</parsedwaveforms></waveforms></restingecgdata>'
    ).encode()


def scp(counts=COUNTS, starts=None, avm=2500, interval=2000, crc=0):
    codes = dict(zip(EIGHT, (1, 2, 3, 4, 5, 6, 7, 8), strict=True))
    starts = starts or [1] * len(counts)
    leads = b"".join(
        struct.pack("<IIB", start, start + len(values) - 1, codes[name])
        for name, values, start in zip(EIGHT, counts, starts, strict=False)
    )
    sizes = struct.pack(f"<{len(counts)}H", *(2 * len(values) for values in counts))
    data = b"".join(np.asarray(values, "<i2").tobytes() for values in counts)
    bodies = {3: bytes([len(counts), 4]) + leads, 6: struct.pack("<HHBB", avm, interval, 0, 0) + sizes + data}
    sections, at = {}, 6 + 16 + 10 * 12 + 1
    for number, body in bodies.items():
        content = struct.pack("<HIBB6x", number, 16 + len(body), 20, 20) + body
        sections[number] = (at, struct.pack("<H", binascii.crc_hqx(content, 0xFFFF) + crc) + content)
        at += len(sections[number][1])
    pointers = struct.pack("<HII", 0, 136, 7)
    for number in range(1, 12):
        index, content = sections.get(number, (0, b""))
        pointers += struct.pack("<HII", number, len(content), index)
    zero = struct.pack("<HIBB", 0, 136, 20, 20) + b"SCPECG" + pointers
    zero = struct.pack("<H", binascii.crc_hqx(zero, 0xFFFF)) + zero
    rest = zero + b"".join(content for _, content in sections.values())
    rest = struct.pack("<I", 6 + len(rest)) + rest
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def dicom(path, fs=499.5, padding=-32768, unit="uV", sensitivity="2.5", baseline="100", derived=False):
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"

    def coded(value):
        item = pydicom.Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "X", value
        return pydicom.Sequence([item])

    channels = []
    for name in ("Lead I", "Lead II"):
        channel = pydicom.Dataset()
        channel.ChannelSourceSequence = coded(name)
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = sensitivity, "1"
        channel.ChannelBaseline, channel.WaveformBitsStored = baseline, 16
        if unit:
            channel.ChannelSensitivityUnitsSequence = coded(unit)
        channels.append(channel)
    group = pydicom.Dataset()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples, group.SamplingFrequency = 2, 500, str(fs)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformOriginality = "DERIVED" if derived else "ORIGINAL"
    group.ChannelDefinitionSequence = pydicom.Sequence(channels)
    counts = COUNTS[:2].T.copy()
    counts[10:20] = padding
    group.add_new((0x5400, 0x100A), "OW", struct.pack("<h", padding))
    group.add_new((0x5400, 0x1010), "OW", counts.astype("<i2").tobytes())
    groups = [group, pydicom.dcmread(path).WaveformSequence[0]] if derived else [group]
    dataset.WaveformSequence = pydicom.Sequence(groups)
    dataset.save_as(path, enforce_file_format=True)
    return counts


def philips_xli(leads=2, samples=500):
    """Philips' compressed form of a signal at rest: every 10-bit code a byte, so that nothing is compressed."""
    deltas = bytes(2 * samples)  # the upper bytes of all codes, then the lower ones
    codes = "".join(f"{byte:010b}" for byte in deltas)
    packed = int(codes, 2).to_bytes(-(-len(codes) // 8), "big")
    data = base64.encodebytes((len(packed).to_bytes(4, "little") + bytes(4) + packed) * leads)
    content = philips(attributes='dataencoding="Base64" compressflag="True" compressmethod="XLI"')
    start, end = content.index(b'">', content.index(b"durationper")) + 2, content.index(b"</parsed")
    return content[:start] + data + content[end:]
