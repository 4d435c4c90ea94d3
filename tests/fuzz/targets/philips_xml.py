"""Philips Sierra XML files."""

from small_files import philips, philips_xli

from fuzz.record_target import RecordTarget


class PhilipsTarget(RecordTarget):
    name, file = "philips_xml", "r.xml"

    def prepare(self, folder):
        return [philips(), philips_xli()]


TARGET = PhilipsTarget()
