import textwrap

import pytest

from zaffre.base.errors import SpecError
from zaffre.spec import document


@pytest.fixture
def write(tmp_path):
    """Write files below the test's folder; the last one's path is returned."""

    def write_files(**files):
        path = tmp_path
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".yml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return path

    return write_files


@pytest.fixture
def faults(write):
    """The faults of a file, as (line, column, field, message, hint)."""

    def found(text, **files):
        path = write(**files, main=text)
        with pytest.raises(SpecError) as caught:
            document.load(path)
        return [(item.line, item.column, item.field, item.message, item.hint) for item in caught.value.faults]

    return found
