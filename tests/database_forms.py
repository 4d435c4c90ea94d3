"""Small folders of the form of each database on PhysioNet, for readers whose database is not here."""

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def write_svdb(folder, write_record, annotate):
    write_record(folder, "800", leads=("ECG1", "ECG2"), fs=128, gain=200)
    annotate(folder, "800", ["+5(N", "N100", "S200", "V300", "F400", "~450", "N2000"])  # the last is one too late


def write_cudb(folder, write_record, annotate):
    write_record(folder, "cu01", leads=("ECG",), fs=250, gain=400)
    annotate(folder, "cu01", ["+10(AF", "N20", "+395(VF", "[400", "]900", "N950", "[1500"])


def write_nstdb(folder, write_record, annotate):
    for number, name in enumerate(("118e00", "118e_6", "119e24")):
        write_record(folder, name, leads=("MLII", "V1"), fs=360, seed=number)
        annotate(folder, name, ["+1(N", "N100", "V500"])
    write_record(folder, "em", leads=("noise1", "noise2"), fs=360)


def write_afdb(folder, write_record, annotate):
    for number, name in enumerate(("04015", "04043")):
        write_record(folder, name, leads=("ECG1", "ECG2"), fs=250, gain=200, seed=number)
        annotate(folder, name, ["+30(AFIB", "+700(N", "+900(AFL", "+1200(J"])
        annotate(folder, name, ["N100", "N400"], "qrs")
    annotate(folder, "04043", ["N110", "N410"], "qrsc")
    (folder / "00735.hea").write_text("00735 0 250 9205760\n")
    annotate(folder, "00735", ["+30(AFIB"])


def write_aftdb(folder, write_record, annotate):
    for number, name in enumerate(("learning-set/s01", "learning-set/t01", "test-set-b/b14", "learning-set/n01")):
        parent, stem = folder / name.split("/")[0], name.split("/")[1]
        write_record(parent, stem, leads=("ECG", "ECG"), fs=128, seed=number)
        annotate(parent, stem, ["N100", "N400"], "qrs")
    annotate(folder / "learning-set", "n01", ["+0(AFIB", "N100", "V400"])


def write_afpdb(folder, write_record, annotate):
    for number, name in enumerate(("n01", "n01c", "n02", "p01", "p01c", "p02", "p02c", "t01")):
        write_record(folder, name, leads=("ECG0", "ECG1"), fs=128, gain=200, seed=number)
        annotate(folder, name, ["N100", "N400"], "qrs")


def write_ludb(folder, write_record, annotate):
    comments = ["<age>: 51", "<sex>: F", "<diagnoses>:", "Rhythm: Sinus bradycardia.", "Left ventricular hypertrophy. "]
    names = [lead.lower() for lead in TWELVE]
    write_record(folder / "data", "1", leads=names, fs=500, comments=comments)
    for lead in names[:6]:  # wfdb writes no annotator called v1
        annotate(folder / "data", "1", ["(90", "N100", ")110"], lead)
    (folder / "ludb.csv").write_text("ID,Sex,Age,Rhythms\n1,F,51,Sinus bradycardia\n")


def write_icentia11k(folder, write_record, annotate):
    for number, (patient, segment) in enumerate((("p00000", "s00"), ("p00000", "s01"), ("p10999", "s49"))):
        parent = folder / patient[:3] / patient
        write_record(parent, f"{patient}_{segment}", leads=("ecg",), fs=250, seed=number)
        marks = ["+100(N", "N100", "S300", "+500)", "Q600", "+700(AFIB", "N750", "V900", "+1000)", "+1500(AFL", "N1600"]
        annotate(parent, f"{patient}_{segment}", marks)


def write_mimic_iv_ecg(folder, write_record, annotate):
    paths = [f"files/p1000/{patient}/s{study}/{study}" for patient, study in MIMIC_STUDIES]
    for number, path in enumerate(paths[:3]):  # the last two are listed and not downloaded
        at = folder / path
        write_record(at.parent, at.name, leads=(*TWELVE[:3], "aVR", "aVF", "aVL", *TWELVE[6:]), gain=200, seed=number)
    records, machine = ["subject_id,study_id,file_name,ecg_time,path"], []
    machine.append(
        "subject_id,study_id,cart_id,ecg_time," + ",".join(f"report_{n}" for n in range(18)) + ",rr_interval"
    )
    for (patient, study), path, statements in zip(MIMIC_STUDIES, paths, MIMIC_STATEMENTS, strict=True):
        records.append(f"{patient[1:]},{study},{study},2180-07-23 08:44:00,{path}")
        cells = [*statements, *[""] * (18 - len(statements))]
        machine.append(f"{patient[1:]},{study},6848296,2180-07-23 08:44:00,{','.join(cells)},659")
    (folder / "record_list.csv").write_text("\n".join(records) + "\n")
    (folder / "machine_measurements.csv").write_text("\n".join(machine) + "\n")


MIMIC_STUDIES = (
    ("p10001725", "41420867"),
    ("p10001725", "41420868"),
    ("p10000032", "40689238"),
    ("p10000032", "44458630"),
    ("p10000117", "45090959"),
)
MIMIC_STATEMENTS = (
    ("Sinus tachycardia", "Possible anterior infarct - age undetermined", "Abnormal ECG"),
    ("Atrial fibrillation with rapid ventricular response", "Abnormal ECG"),
    ("Probable atrial fibrillation",),
    ("Sinus rhythm", "Normal ECG"),
    (),
)
CHALLENGE = {  # path → comments as that source writes them
    "training/cpsc_2018/g1/A0001": ("Age: 74", "Sex: Male", "Dx: 59118001"),
    "training/cpsc_2018_extra/g1/Q0001": ("Age: 74", "Sex: Male", "Dx: 445118002,39732003"),
    "training/georgia/g1/E00001": ("Age: 49", "Sex: Male", "Dx: 59931005,426783006"),
    "training/georgia/g1/E00002": ("Age: 49", "Sex: Male", "Dx: 251200008"),
    "training/ptb-xl/g1/HR00001": ("Age: 56", "Sex: Female", "Dx: 251146004,426783006"),
    "training/ptb-xl/g1/HR00002": ("Age: 19", "Sex: Male", "Dx: 426177001"),
    "training/ptb/g1/S0001": ("Age: 81", "Sex: Female", "Dx: 426783006"),
    "training/ptb/g1/S0002": ("Age: 81", "Sex: Female", "Dx: 164865005"),
    "training/st_petersburg_incart/g1/I0001": ("Age: 65", "Sex: Female", "Dx: 266257000,284470004,63593006"),
    "training/chapman_shaoxing/g1/JS00001": ("Age: 85", "Sex: Male", "Dx: 164889003,59118001,164934002"),
}


def write_challenge2021(folder, write_record, annotate):
    for number, (path, comments) in enumerate(CHALLENGE.items()):
        at = folder / path
        write_record(at.parent, at.name, leads=TWELVE, fs=257 if "incart" in path else 500, seed=number)
        header = at.with_suffix(".hea")  # Georgia and PTB-XL write "#Dx:", CPSC "# Dx:"
        space = " " if "cpsc" in path else ""
        header.write_text(header.read_text() + "".join(f"#{space}{comment}\n" for comment in comments))


FORMS = {
    name.removeprefix("write_").replace("_", "-"): write
    for name, write in list(globals().items())
    if name.startswith("write_")
}
