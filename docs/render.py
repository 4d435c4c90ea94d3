"""Fill the tables of README.md and of docs/ from kept results.

    python docs/render.py            # rewrites the tables
    python docs/render.py --check    # exit status 1 where a table differs from its results

A page marks a table by two comments, `<!-- table NAME -->` and `<!-- end of table -->`. What stands between them is
written by this script: see docs/table_layouts.py and docs/tables.py for every NAME.
"""

import re
import sys
from pathlib import Path

from tables import ROOT, render

TABLE = re.compile(r"(<!-- table (?P<name>\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def rendered(text: str) -> str:
    """Return the page with every marked table filled in."""
    return TABLE.sub(lambda match: f"{match[1]}{render(match['name'])}\n{match[3]}", text)


def pages() -> list[Path]:
    """Return README.md and every Markdown page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main() -> int:
    """Rewrite or check every page; return the exit status."""
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        new = rendered(text)
        if new != text:
            stale.append(page.relative_to(ROOT))
            if not check:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        print(f"{page}: {'differs from the kept results: run python docs/render.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
