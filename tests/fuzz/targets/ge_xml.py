"""GE MUSE XML files."""

from small_files import ge

from fuzz.record_target import RecordTarget


class GeTarget(RecordTarget):
    name, file = "ge_xml", "r.xml"

    def prepare(self, folder):
        return [ge()]


TARGET = GeTarget()
