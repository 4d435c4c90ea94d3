"""The report of a benchmark, from the other end of ssh or from a file: all that bench does with it."""

import json

from device_reports import sound_report

from ecg_edge.api.bench_reports import add_verdicts, compare_reports, list_failures
from ecg_edge.api.benchmarking import write_reports
from ecg_edge.reporter import Reporter
from firmware_bench.bench_table import format_report
from firmware_bench.rpi import latency_ratio
from firmware_bench.rpi.device_report import check_results, read_report
from firmware_bench.runtime.errors import InputError
from fuzz.fuzzing import FuzzTarget
from fuzz.json_damage import damage_json


class DeviceReportTarget(FuzzTarget):
    name = "device_report"

    def prepare(self, folder):
        latency_ratio.RESAMPLES = 5  # the interval is not what is tested
        self.sound = folder / "sound.json"
        self.sound.write_text(json.dumps(sound_report()))
        return [json.dumps(sound_report()).encode()]

    def damage(self, content, random):
        return damage_json(content, random)

    def attempt(self, content, folder):
        (folder / "report.json").write_bytes(content)
        report = read_report(folder / "report.json")
        check_results(report, 1, (1, 2))
        (folder / "run" / "export").mkdir(parents=True)
        (folder / "run" / "config.json").write_text("{}")
        add_verdicts(report, 100.0, 5.0)
        list_failures(report)
        kept = {**report, "results": [{**one, "rounds": []} for one in report["results"]]}  # a plot takes 1 s
        write_reports([folder / "run" / "export" / "model.tflite"], kept, 2, None, Reporter())
        if len(list((folder / "run").glob("bench-*.json"))) != 1 or len(list(folder.iterdir())) != 2:
            return "the report is not in the run"
        if not all(line.isprintable() for line in format_report(report).splitlines()):
            return "the table is not printable"
        try:
            compare_reports(self.sound, folder / "report.json")
        except InputError as error:
            if "in common" not in str(error):
                raise
        return None


TARGET = DeviceReportTarget()
