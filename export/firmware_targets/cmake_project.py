"""Projects that CMake builds: plain, an ESP-IDF component, a Zephyr module, and one for Raspberry Pi's Pico SDK."""

import json

from export.firmware_targets.library import FirmwareLibrary

HASH = "# SPDX-License-Identifier: Apache-2.0\n"


def make_cmake_project(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a project for any CMake toolchain; its test is the replay."""
    text = f"""{HASH}cmake_minimum_required(VERSION 3.13)
project({library.prefix} VERSION {library.version} LANGUAGES C)
add_library({library.prefix} STATIC {_list_sources(library)})
target_include_directories({library.prefix} PUBLIC src)
target_compile_features({library.prefix} PUBLIC c_std_99)
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR AND NOT CMAKE_CROSSCOMPILING)
  enable_testing()
  add_executable(replay examples/replay/main.c)
  target_link_libraries(replay PRIVATE {library.prefix})
  add_test(NAME replay COMMAND replay)
endif()
"""
    return {"CMakeLists.txt": text, **_list_files(library), "examples/replay/main.c": make_main(library.prefix)}


def make_esp_idf_component(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a component, as "ESP-IDF Programming Guide", "Build System", has it."""
    name = library.prefix
    words = json.dumps(f"The network {library.title} from counts of a sensor to labels. Research use only.")
    component = f'{HASH}idf_component_register(SRCS {_list_sources(library)} INCLUDE_DIRS "src")\n'
    manifest = f'version: "{library.version}"\ndescription: {words}\nlicense: "Apache-2.0"\n'
    project = f"""{HASH}cmake_minimum_required(VERSION 3.16)
get_filename_component(component "${{CMAKE_CURRENT_LIST_DIR}}/../.." ABSOLUTE)
set(EXTRA_COMPONENT_DIRS "${{component}}")
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({name}_replay)
"""
    main = make_main(name, "void app_main(void)", returns=False)
    files = {path.replace("replay/", "replay/main/"): text for path, text in _list_files(library).items()}
    return {
        "CMakeLists.txt": component,
        "idf_component.yml": manifest,
        **files,
        "examples/replay/CMakeLists.txt": project,
        "examples/replay/main/CMakeLists.txt": f'{HASH}idf_component_register(SRCS "main.c" INCLUDE_DIRS ".")\n',
        "examples/replay/main/main.c": main,
    }


def make_zephyr_module(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a module, as Zephyr's documentation, "Modules (External projects)", has it."""
    name = library.prefix
    option = f"CONFIG_{name.upper()}"
    module = f"name: {name}\nbuild:\n  cmake: .\n  kconfig: Kconfig\n"
    kconfig = f'{HASH}config {name.upper()}\n\tbool "The network {name}, from counts of a sensor to labels"\n'
    build = f"""{HASH}if({option})
  zephyr_library()
  zephyr_library_sources({_list_sources(library)})
  zephyr_include_directories(src)
endif()
"""
    project = f"""{HASH}cmake_minimum_required(VERSION 3.20)
list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})
project({name}_replay)
target_sources(app PRIVATE main.c)
"""
    return {
        "CMakeLists.txt": build,
        "Kconfig": kconfig,
        "zephyr/module.yml": module,
        **_list_files(library),
        "examples/replay/CMakeLists.txt": project,
        "examples/replay/prj.conf": f"{option}=y\n",
        "examples/replay/main.c": make_main(name),
    }


def make_pico_project(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a project for Raspberry Pi's Pico SDK, which PICO_SDK_PATH names."""
    name = library.prefix
    text = f"""{HASH}cmake_minimum_required(VERSION 3.13)
include($ENV{{PICO_SDK_PATH}}/external/pico_sdk_import.cmake)
project({name} C CXX ASM)
pico_sdk_init()
add_library({name} STATIC {_list_sources(library)})
target_include_directories({name} PUBLIC src)
add_executable(replay examples/replay/main.c)
target_link_libraries(replay {name} pico_stdlib)
pico_enable_stdio_usb(replay 1)
pico_add_extra_outputs(replay)
"""
    main = make_main(name).replace("#include <stdio.h>", "#include <pico/stdlib.h>\n#include <stdio.h>")
    main = main.replace(
        "{\n    return", "{\n    (void)stdio_init_all();\n    sleep_ms(5000); /* for the USB */\n    return"
    )
    return {"CMakeLists.txt": text, **_list_files(library), "examples/replay/main.c": main}


def make_main(prefix: str, signature: str = "int main(void)", returns: bool = True) -> str:
    """Return a program that replays the record and prints to the standard output."""
    return f"""/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "replay_example.h"

static void print_text(const char *text)
{{
    (void)fputs(text, stdout);
}}

{signature}
{{
    {"return " if returns else "(void)"}{prefix}_print_replay(print_text);
}}
"""


def _list_sources(library: FirmwareLibrary) -> str:
    return " ".join(f"src/{file}" for file in library.sources if file.endswith(".c"))


def _list_files(library: FirmwareLibrary) -> dict[str, str]:
    return {
        **{f"src/{file}": text for file, text in library.sources.items()},
        **{f"examples/replay/{file}": text for file, text in library.replay.items()},
    }
