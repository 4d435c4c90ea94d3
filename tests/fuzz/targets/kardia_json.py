"""Kardia JSON files."""

from small_files import kardia

from fuzz.record_target import RecordTarget


class KardiaTarget(RecordTarget):
    name, file = "kardia_json", "r.json"

    def prepare(self, folder):
        return [kardia()]


TARGET = KardiaTarget()
