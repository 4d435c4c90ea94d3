"""The targets of firmware libraries."""

import dataclasses
from collections.abc import Callable

from export.firmware_targets.arduino import make_arduino_library
from export.firmware_targets.cmake_project import (
    make_cmake_project,
    make_esp_idf_component,
    make_pico_project,
    make_zephyr_module,
)
from export.firmware_targets.cmsis_pack import make_cmsis_pack
from export.firmware_targets.library import FirmwareLibrary
from export.firmware_targets.platformio import make_platformio_library
from export.firmware_targets.stm32_bare import make_stm32_project


@dataclasses.dataclass(frozen=True)
class FirmwareTarget:
    """A build system.

    Attributes:
        name: Its name.
        make: Returns the files of a library for it, {path: text}.
        tested: What ecg-edge's own tests do with such a library.
    """

    name: str
    make: Callable[[FirmwareLibrary], dict[str, str]]
    tested: str


SKETCH = "sketch compiled as C++ with a stand-in for Arduino's core, run"
NOT_BUILT = "not built here, form checked"
TARGETS = {
    target.name: target
    for target in (
        FirmwareTarget("arduino", make_arduino_library, f"{SKETCH}; drivers run against a stand-in of their chips"),
        FirmwareTarget(
            "platformio",
            make_platformio_library,
            f"{SKETCH}; the project not built here",
        ),
        FirmwareTarget("esp-idf", make_esp_idf_component, NOT_BUILT),
        FirmwareTarget("zephyr", make_zephyr_module, NOT_BUILT),
        FirmwareTarget("cmake", make_cmake_project, "built on the host, replay run by ctest"),
        FirmwareTarget("stm32-bare", make_stm32_project, "built for Cortex-M4, replay run in QEMU"),
        FirmwareTarget("rp2040", make_pico_project, "sources linked for Cortex-M0+; the project not built here"),
        FirmwareTarget("cmsis-pack", make_cmsis_pack, NOT_BUILT),
    )
}
