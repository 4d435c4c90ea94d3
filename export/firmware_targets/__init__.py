"""A generated program as a library for a build system, with an example that replays a record: a file per target."""

from export.firmware_targets.library import FirmwareLibrary as FirmwareLibrary
from export.firmware_targets.library import make_library as make_library
from export.firmware_targets.table import TARGETS as TARGETS
from export.firmware_targets.table import FirmwareTarget as FirmwareTarget
