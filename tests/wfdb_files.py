"""Write WFDB records by hand, sample by sample as https://physionet.org/physiotools/wag/signal-5.htm defines them.

Independent of what reads them, and able to write what the wfdb package refuses or has no argument for.
"""

import dataclasses

import numpy as np
import soundfile

RANGES = {8: (-500, 500), 16: (-(2**15), 2**15 - 1), 24: (-(2**23), 2**23 - 1), 32: (-(2**31), 2**31 - 1),
          61: (-(2**15), 2**15 - 1), 80: (-128, 127), 160: (-(2**15), 2**15 - 1), 212: (-2048, 2047),
          310: (-512, 511), 311: (-512, 511), 508: (-128, 127), 516: (-(2**15), 2**15 - 1),
          524: (-(2**23), 2**23 - 1)}  # fmt: skip
MILLIVOLTS = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "μV": 1e-3, "nV": 1e-6, "V": 1e3}


@dataclasses.dataclass
class Signal:
    """A signal to write.

    Attributes:
        name: Of the lead.
        digital: Samples in ADC units, (frames * per_frame,).
        gain, baseline, units, skew: As in its header line.
        per_frame: Samples per frame.
        checksum: Whether the header states it.
    """

    name: str
    digital: np.ndarray
    gain: float = 200.0
    baseline: int = 0
    units: str = "mV"
    per_frame: int = 1
    skew: int = 0
    checksum: bool = True

    def physical(self, form):
        """The samples in mV, float64, as a reader has to return them."""
        values = (self.digital.astype(np.float64) - self.baseline) / self.gain * MILLIVOLTS.get(self.units, 1.0)
        if form != 8:
            values[self.digital == RANGES[form][0]] = np.nan
        return np.concatenate([values[self.skew :], np.full(min(self.skew, len(values)), np.nan)])


def pack(form, values):
    """The bytes of samples in a format other than 8 and FLAC."""
    values = np.asarray(values, np.int64)
    if form in (16, 32, 61):
        return values.astype({16: "<i2", 32: "<i4", 61: ">i2"}[form]).tobytes()
    if form == 24:
        return b"".join(int(value).to_bytes(3, "little", signed=True) for value in values)
    if form in (80, 160):
        return (values - RANGES[form][0]).astype({80: "<u1", 160: "<u2"}[form]).tobytes()
    content, bits = b"", {212: 12, 310: 10, 311: 10}[form]
    group = 2 if form == 212 else 3
    for start in range(0, len(values), group):
        own = [int(value) & (1 << bits) - 1 for value in values[start : start + group]]
        own += [0] * (group - len(own))
        if form == 212:
            content += bytes((own[0] & 255, own[0] >> 8 | own[1] >> 8 << 4, own[1] & 255))
        elif form == 310:
            words = own[0] << 1 | (own[2] & 31) << 11, own[1] << 1 | own[2] >> 5 << 11
            content += b"".join(word.to_bytes(2, "little") for word in words)
        else:
            content += (own[0] | own[1] << 10 | own[2] << 20).to_bytes(4, "little")
    return content


def interleave(signals):
    """Samples in the order of a signal file: frame by frame, signal by signal."""
    return np.hstack([signal.digital.reshape(-1, signal.per_frame) for signal in signals]).ravel()


def write_signal_file(path, form, signals, preamble=b""):
    """Write the signals of one file."""
    if form > 500:
        bits, kind = {508: (8, "PCM_S8"), 516: (16, "PCM_16"), 524: (24, "PCM_24")}[form]
        data = np.column_stack([signal.digital for signal in signals]).astype(np.int64) << 32 - bits
        soundfile.write(path, data.astype(np.int32), 96000, format="FLAC", subtype=kind)
    elif form == 8:
        differences = [dataclasses.replace(s, digital=np.diff(s.digital, prepend=s.digital[0])) for s in signals]
        path.write_bytes(preamble + interleave(differences).astype(np.int8).tobytes())
    else:
        path.write_bytes(preamble + pack(form, interleave(signals)))


def write_record(folder, name, files, rate="250", frames=None, encoding="utf-8", preamble=b""):
    """Write a record: `files` is a list of (format, signals); `rate` as it stands in the header; returns the stem."""
    frames = len(files[0][1][0].digital) // files[0][1][0].per_frame if frames is None else frames
    lines = [f"{name} {sum(len(signals) for _, signals in files)} {rate} {frames}"]
    for number, (form, signals) in enumerate(files):
        file = f"{name}_{number}.dat"
        write_signal_file(folder / file, form, signals, preamble)
        for signal in signals:
            marks = f"x{signal.per_frame}" * (signal.per_frame > 1) + f":{signal.skew}" * (signal.skew > 0)
            marks += f"+{len(preamble)}" * bool(preamble)
            total = int(signal.digital.astype(np.int64).sum()) % 65536 if signal.checksum else 0
            lines.append(
                f"{file} {form}{marks} {signal.gain!r}({signal.baseline})/{signal.units} 0 0 "
                f"{signal.digital[0]} {total} 0 {signal.name}"
            )
    (folder / f"{name}.hea").write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return folder / name
