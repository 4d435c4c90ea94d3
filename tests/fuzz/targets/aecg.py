"""HL7 aECG files."""

from small_files import aecg

from fuzz.record_target import RecordTarget


class AecgTarget(RecordTarget):
    name, file = "aecg", "r.xml"

    def prepare(self, folder):
        return [aecg()]


TARGET = AecgTarget()
