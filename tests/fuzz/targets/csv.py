"""CSV files: tables of numbers, Apple Watch's and Polar's."""

from small_files import MICROVOLTS, apple, polar

from ecg_edge.records.signal_description import SignalDescription
from fuzz.record_target import RecordTarget


class CsvTarget(RecordTarget):
    name, file = "csv", "r.csv"
    stated = SignalDescription(units="uV")

    def prepare(self, folder):
        rows = [f"{i / 250:.3f};{value:.3f};{-value:.3f}\n" for i, value in enumerate(MICROVOLTS[:300])]
        comma = "".join(rows).replace(".", ",")
        texts = ["time [s];I;II\n" + "".join(rows), "time [s];I;II\n" + comma, apple(MICROVOLTS[:300]), polar()]
        return [text.encode() for text in texts]


TARGET = CsvTarget()
