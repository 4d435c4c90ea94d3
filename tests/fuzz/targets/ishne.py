"""ISHNE Holter files."""

from small_files import ishne

from fuzz.record_target import RecordTarget


class IshneTarget(RecordTarget):
    name, file = "ishne", "r.ecg"

    def prepare(self, folder):
        content = ishne()
        return [content, content[:8] + b"\0\0" + content[10:]]  # without checksum damage is not found by it


TARGET = IshneTarget()
