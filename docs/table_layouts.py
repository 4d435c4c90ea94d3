"""For each table of the documentation the kept result that it shows and its columns, one entry a table.

A column is a title and a format template of a row. A row that lacks a value of the template gets an empty cell.
"""

SIGNED = "{difference:+.3f}"
MICROCONTROLLER = {
    "RAM: static + stack": "{ram_static_bytes:,} + {stack_bytes:,}",
    "flash: code + constants": "{code_bytes:,} + {weights_bytes:,}",
}
EXPLANATIONS = {
    "model": "{model}",
    "data": "{data}",
    "label and its waves": "{label}: {region}",
    "method": "{method}",
    "recordings (found)": "{recordings} ({predicted})",
    "hits": "{hit_rate:.2f}",
    "chance": "{chance:.2f}",
    "times chance": "{times_chance:.1f}",
    "p": "{p:.1g}",
}
# table → file of benchmarks/results, columns
LAYOUTS: dict[str, tuple[str, dict[str, str]]] = {
    "cnn_att_bilstm-components": (
        "cnn_att_bilstm-components",
        {
            "variant": "{variant}",
            "parameters": "{parameters:,}",
            "macro F1": "{macro_f1:.3f}",
            "difference from the full model": SIGNED,
            "published, CPSC 2018, 12 leads": "{published:.2f}",
        },
    ),
    "layers": (
        "layers",
        {
            "layer": "{layer}",
            "`--int8`": "{int8}",
            "`--qat`": "{qat}",
            "`--target rpi`": "{rpi}",
            "C99, 8 bits": "{c99_8}",
            "`--streaming`": "{streaming}",
            "C99, 16 bits": "{c99_16}",
            "SQNR, 8 bits (dB)": "{int8_decibels:.1f}",
            "SQNR, stream (dB)": "{streaming_decibels:.1f}",
            "why not": "{reason}",
            "why no stream": "{stream_reason}",
        },
    ),
    "cnn_att_bilstm-leads": (
        "cnn_att_bilstm-leads",
        {
            "input": "{variant}",
            "macro F1": "{macro_f1:.3f}",
            "difference from 12 leads": SIGNED,
            "macro AUROC": "{macro_auroc:.3f}",
        },
    ),
    "st-remedies": (
        "st-remedies",
        {
            "remedies": "{remedies}",
            "macro F1": "{macro_f1:.3f}",
            "macro AUROC": "{macro_auroc:.3f}",
            "F1 of STE": "{ste_f1:.3f}",
            "AUROC of STE": "{ste_auroc:.3f}",
            "F1 of STD": "{std_f1:.3f}",
            "AUROC of STD": "{std_auroc:.3f}",
        },
    ),
    "htf_beat-mitdb": (
        "htf_beat-mitdb",
        {
            "labels of the previous beats": "{previous_labels}",
            "macro F1": "{macro_f1:.3f}",
            "SVEB Se / +P": "{sveb_sensitivity:.3f} / {sveb_precision:.3f}",
            "VEB Se / +P": "{veb_sensitivity:.3f} / {veb_precision:.3f}",
        },
    ),
    "rhythm_from_beats-ltafdb": (
        "rhythm_from_beats-ltafdb",
        {
            "windows averaged": "{windows}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
            "published macro F1": "{published_macro_f1:.3f}",
            "published accuracy": "{published_accuracy:.3f}",
        },
    ),
    "rhythm_from_beats-5s": (
        "rhythm_from_beats-5s",
        {
            "data": "{data}",
            "input": "{input}",
            "bouts": "{bouts:,}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
            "F1 of AF": "{af_f1:.3f}",
            "AUROC of AF": "{af_auroc:.3f}",
        },
    ),
    "rhythm_from_beats-labels": (
        "rhythm_from_beats-labels",
        {"input": "{variant}", "macro F1": "{macro_f1:.3f}", "difference": SIGNED},
    ),
    "rhythm_from_beats-mitdb": (
        "rhythm_from_beats-mitdb",
        {
            "windows averaged": "{windows}",
            "bouts": "{bouts}",
            "patients": "{patients}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
        },
    ),
    "rhythms-mitdb": (
        "rhythms-mitdb",
        {
            "architecture": "`{architecture}`",
            "macro F1, one window": "{macro_f1:.3f}",
            "macro F1, seven windows": "{macro_f1_tta7:.3f}",
            "published, LTAFDB, one / seven": "{published:.3f} / {published_tta7:.3f}",
        },
    ),
    "ecg_mamba-ptbxl": (
        "ecg_mamba-ptbxl",
        {
            "parameters": "{parameters:,}",
            "macro AUROC": "{macro_auroc:.3f}",
            "macro AUPRC": "{macro_auprc:.3f}",
            "macro F1": "{macro_f1:.3f}",
            "AUROC of NORM, MI, STTC, CD, HYP": "{auroc_norm:.3f}, {auroc_mi:.3f}, {auroc_sttc:.3f}, {auroc_cd:.3f}, "
            "{auroc_hyp:.3f}",
        },
    ),
    "ecg_mamba-components": (
        "ecg_mamba-components",
        {
            "variant": "{variant}",
            "parameters": "{parameters:,}",
            "macro F1": "{macro_f1:.3f}",
            "difference from the full model": SIGNED,
            "macro AUROC": "{macro_auroc:.3f}",
        },
    ),
    "vae_bilstm_mha-attention": (
        "vae_bilstm_mha-attention",
        {
            "variant": "{variant}",
            "parameters": "{parameters:,}",
            "AUROC": "{auroc:.3f}",
            "difference": SIGNED,
            "AUPRC": "{auprc:.3f}",
            "F1": "{f1:.3f}",
            "precision / recall": "{precision:.3f} / {recall:.3f}",
        },
    ),
    "cae-ptbxl": (
        "cae-ptbxl",
        {
            "model": "{variant}",
            "AUROC": "{auroc:.3f}",
            "AUPRC": "{auprc:.3f}",
            "F1": "{f1:.3f}",
            "precision / recall": "{precision:.3f} / {recall:.3f}",
        },
    ),
    "cae-one-recording": (
        "cae-one-recording",
        {"recordings": "{recordings}", "mean squared error / variance": "{relative_error:.4g}"},
    ),
    "bench-x86-64": (
        "bench-x86-64",
        {
            "file": "`{file}`",
            "latency, median / p90 / p99 (ms)": "{latency_median_ms:.1f} / {latency_p90_ms:.1f} / {latency_p99_ms:.1f}",
            "load (ms)": "{load_ms:.1f}",
            "cold start (ms)": "{cold_start_ms}",
            "peak memory (bytes)": "{peak_memory_bytes:,}",
            "file (bytes)": "{model_bytes:,}",
        },
    ),
    "quantisation": (
        "quantisation",
        {
            "run": "{run}",
            "file": "{file}",
            "metric": "{metric}",
            "float": "{float:.4f}",
            "quantised": "{quantised:.4f}",
            "difference": "{difference:+.4f}",
            "agreement (%)": "{agreement_percent}",
            "SQNR (dB)": "{sqnr_db:.1f}",
            "bytes": "{bytes:,}",
            "of the file-size budget (%)": "{budget_percent}",
            "note": "{result}",
        },
    ),
    "quantisation-auprc": (
        "quantisation",
        {
            "run": "{run}",
            "file": "{file}",
            "AUPRC, float": "{auprc_float:.4f}",
            "AUPRC, quantised": "{auprc_quantised:.4f}",
            "difference": "{auprc_difference:+.4f}",
        },
    ),
    "latency-rpi-form": (
        "latency-rpi-form",
        {
            "architecture": "{architecture}",
            "float (ms)": "{float_ms}",
            "int8, `--target mcu` (ms)": "{int8_ms}",
            "mixed precision, `--target rpi` (ms)": "{rpi_ms}",
            "mixed precision / float": "{rpi_over_float:.2f}",
        },
    ),
    "microcontrollers": (
        "microcontrollers",
        {
            "system": "{system}",
            **MICROCONTROLLER,
            "instructions (millions)": "{instructions_millions:,}",
            "TFLM arena": "{tflm_arena_bytes:,}",
            "note": "{result}",
        },
    ),
    "microcontrollers-trained": (
        "microcontrollers-trained",
        {
            "task": "`{task}`",
            "run": "{run}",
            "metric": "{metric}",
            "float": "{float:.3f}",
            "quantised": "{quantised:.3f}",
            **MICROCONTROLLER,
            "instructions (millions)": "{instructions_millions:,}",
            "fits": "{fits}",
            "note": "{result}",
        },
    ),
    "table-mutation": (
        "table-mutation",
        {
            "model": "{model}",
            "damaged tables": "{tables:,}",
            "noticed by outputs": "{noticed_by_outputs:,}",
            "noticed by outputs or digests": "{noticed:,}",
            "damaged entries": "{entries:,}",
            "noticed": "{entries_noticed:,}",
        },
    ),
    "instructions-per-mac": (
        "instructions-per-mac",
        {
            "model": "{model}",
            "multiply-accumulates (millions)": "{macs_millions:,}",
            "instructions with DSP (millions)": "{instructions_dsp_millions:,}",
            "per multiply-accumulate, with DSP": "{per_mac_dsp:.2f}",
            "instructions without DSP (millions)": "{instructions_millions:,}",
            "per multiply-accumulate, without DSP": "{per_mac:.2f}",
        },
    ),
    "streaming": (
        "streaming",
        {
            "step": "{model}",
            "length (ms)": "{step_ms}",
            "delay (s)": "{delay_s:.2f}",
            "SQNR against Keras (dB)": "{sqnr_db:.1f}",
            "equal labels (%)": "{agreement_percent}",
            "file (bytes)": "{bytes:,}",
            "TFLM arena (bytes)": "{tflm_arena_bytes:,}",
        },
    ),
    "front-end": (
        "front-end",
        {
            "sensor (Hz)": "{sensor_fs:g}",
            "model (Hz)": "{fs:g}",
            "steps": "{steps}",
            "instructions a second": "{instructions_per_second:,}",
            "integers against float64, lowest (dB)": "{lowest_sqnr_db}",
        },
    ),
    "qrs-detector": (
        "qrs-detector",
        {
            "database": "{database}",
            "beats": "{beats:,}",
            "missed": "{missed:,}",
            "extra": "{extra:,}",
            "sensitivity (%)": "{sensitivity:.2f}",
            "positive predictivity (%)": "{positive_predictivity:.2f}",
            "both without the first 5 minutes (%)": "{sensitivity_learnt:.2f}, {positive_predictivity_learnt:.2f}",
            "distance from the annotation, 95 % (ms)": "{distance_ms_95:.1f}",
        },
    ),
    "qrs-detector-cost": (
        "qrs-detector",
        {
            "core": "{core}",
            "instructions a second": "{instructions_per_second:,}",
            "of a sample, at most": "{instructions_of_a_sample:,}",
            "RAM (bytes)": "{ram_bytes:,}",
            "flash (bytes)": "{flash_bytes:,}",
            "longest delay (s)": "{longest_delay_s:g}",
        },
    ),
    "beat-system": (
        "beat-system",
        {
            "preset": "{preset}",
            "instructions a second": "{instructions_per_second:,}",
            "of these the front end": "{front_end_per_second:,}",
            "dearest call of `poll`": "{dearest_poll:,}",
            "RAM of a signal (bytes)": "{ram_bytes:,}",
            "stack (bytes)": "{stack_bytes:,}",
            "flash (bytes)": "{flash_bytes:,}",
        },
    ),
    "device-accuracy": (
        "device-accuracy",
        {
            "beats of": "{beats_of}",
            "R peaks": "{peaks}",
            "N: Se, +P": "{N_sensitivity[value]:.3f}, {N_positive_predictivity[value]:.3f}",
            "N: F1": "{N_F1:.3f}",
            "SVEB: Se, +P": "{SVEB_sensitivity[value]:.3f}, {SVEB_positive_predictivity[value]:.3f}",
            "SVEB: F1": "{SVEB_F1:.3f}",
            "VEB: Se, +P": "{VEB_sensitivity[value]:.3f}, {VEB_positive_predictivity[value]:.3f}",
            "VEB: F1": "{VEB_F1:.3f}",
        },
    ),
    "device-accuracy-rhythms": (
        "device-accuracy",
        {
            "rhythms of": "{rhythms_of}",
            "R peaks": "{peaks}",
            "bouts": "{bouts}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
        },
    ),
    "device-accuracy-episodes": (
        "device-accuracy",
        {
            "episodes of AF": "{episodes}",
            "R peaks": "{peaks}",
            "found, of those annotated": "{found} of {annotated}",
            "true, of those said": "{true} of {said}",
        },
    ),
    "device-accuracy-burden": (
        "device-accuracy",
        {
            "burden of AF": "{burden}",
            "R peaks": "{peaks}",
            "time in AF: Se, +P": "{sensitivity_of_time:.3f}, {predictivity_of_time:.3f}",
            "error, mean of records (points)": "{mean_error_points:.1f}",
            "largest error (points)": "{largest_error_points:.1f}",
            "time without a rhythm (%)": "{silent_percent:.1f}",
        },
    ),
    "running-threshold": (
        "running-threshold",
        {
            "stream": "{stream}",
            "normal windows": "{normal_windows:,}",
            "above the running threshold (%)": "{normal_running_percent}",
            "above the fixed one (%)": "{normal_fixed_percent}",
            "abnormal windows": "{abnormal_windows:,}",
            "of these above the running threshold (%)": "{abnormal_running_percent}",
            "of these above the fixed one (%)": "{abnormal_fixed_percent}",
        },
    ),
    "pretraining": (
        "pretraining",
        {
            "start": "{start}",
            "seed": "{seed}",
            "validation loss": "{validation_loss:.3f}",
            "validation macro F1": "{validation_score:.3f}",
        },
    ),
    "page-pan": (
        "page-pan",
        {
            "recording (h)": "{hours:g}",
            "leads": "{leads}",
            "on the screen (min)": "{visible_min:g}",
            "opening (s)": "{open_s:.1f}",
            "a pan (ms)": "{pan_ms:.0f}",
            "of this the server (ms)": "{server_ms:.0f}",
            "slowest pan (ms)": "{slowest_pan_ms:.0f}",
        },
    ),
    "device-path": (
        "device-path",
        {
            "model": "`{model}`",
            "window (s)": "{window_s:g}",
            "an answer every (s)": "{answer_s:.3f}",
            "instructions of a window": "{window_instructions:,}",
            "of an answer, with the front end": "{answer_instructions:,}",
            "share": "{share:.3f}",
            "dearest call of `poll`": "{dearest_poll:,}",
            "RAM with stack (bytes)": "{ram_bytes:,}",
            "flash (bytes)": "{flash_bytes:,}",
        },
    ),
    "sequence-length": (
        "sequence-length",
        {
            "window (s)": "{seconds}",
            "multiply-accumulates (million)": "{macs_millions:,}",
            "processor time (ms)": "{processor_ms:,}",
        },
    ),
    "generalisation": (
        "generalisation",
        {
            "model": "`{model}`",
            "data": "{data}",
            "": "{relation}",
            "tested": "{units}",
            "of each class": "{classes}",
            "macro AUROC": "{auroc:.3f}",
            "macro F1": "{f1:.3f}",
            "F1 by class": "{class_f1}",
        },
    ),
    "explanations": ("explanations", EXPLANATIONS),
    "explanations-ludb": ("explanations-ludb", EXPLANATIONS),
    "live": (
        "live",
        {
            "model": "{model}",
            "format": "`{format}`",
            "answers": "{answers:,}",
            "seconds of signal in a second": "{speed:.1f}",
        },
    ),
    "fuzz": (
        "fuzz",
        {
            "target": "`{target}`",
            "what is damaged": "{content}",
            "tried": "{tried:,}",
            "refused in one line": "{refused:,}",
            "wrong": "{wrong:,}",
        },
    ),
    "operator-fuzz": (
        "operator-fuzz",
        {
            "operator": "`{operator}`",
            "tried": "{tried:,}",
            "refused in one line": "{refused:,}",
            "wrong": "{wrong:,}",
            "TFLite Micro": "{micro}",
        },
    ),
    "mcu-tiny": (
        "mcu-tiny",
        {"device": "{device}", "window (ms)": "about {milliseconds:g}", "assumption": "{assumption}"},
    ),
}
