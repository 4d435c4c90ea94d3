"""docs/contributing/architecture.md, followed in a copy of the source tree."""

import pytest
from recipes import copy_tree, follow


@pytest.mark.slow
def test_a_sixth_architecture_by_one_file_one_line_and_one_test(tmp_path):
    copy_tree(tmp_path / "copy")
    follow("architecture.md", tmp_path / "copy", ECG_EDGE_CACHE=str(tmp_path / "cache"), KERAS_BACKEND="tensorflow")
