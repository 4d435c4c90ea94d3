"""The child process that converts.

    python -P export/convert/converter_child.py FOLDER

FOLDER is laid out by export.convert.conversion_job. settings.json names the module of export.convert, "method", whose
function `convert` does the work.
"""

import sys
from importlib import import_module
from pathlib import Path


def main(folder: Path) -> None:
    """Converts the model in `folder` by the method that its settings name."""
    from export.convert.conversion_job import read_job

    job = read_job(folder)
    import_module(f"export.convert.{job.settings['method']}").convert(job)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main(Path(sys.argv[1]))
