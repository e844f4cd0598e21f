"""The pages of docs/yaml say what the models say, and their examples are right."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from zaffre.spec import document

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "yaml"
EXAMPLES = sorted((PAGES / "examples").glob("*.yml"))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    specification = importlib.util.spec_from_file_location("yaml_reference", ROOT / "tools" / "yaml_reference.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["yaml_reference"] = module  # dataclasses look for it there
    specification.loader.exec_module(module)
    return module


def test_the_pages_are_current(reference: ModuleType) -> None:
    stale = [path.name for path, text in reference.pages() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run python tools/yaml_reference.py"


def test_every_field_has_a_meaning() -> None:
    silent = [
        f"{page.name}: {line}"
        for page in PAGES.glob("*.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and line.endswith("|  |")
    ]
    assert not silent


def test_links_lead_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            text = (PAGES / (name or page.name)).read_text(encoding="utf-8")
            headings = {
                line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")
            }
            assert not anchor or anchor in headings, f"{page.name}: {target}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_load(example: Path) -> None:
    """As a file, and as the values that a client would send."""
    loaded = document.load(example)
    parsed = document.parse(yaml.safe_load(example.read_text(encoding="utf-8")), base=example.parent)
    assert document.dump(loaded.spec) == document.dump(parsed.spec)
    assert not loaded.notes


def test_each_page_has_its_example(reference: ModuleType) -> None:
    assert [path.stem for path in EXAMPLES] == sorted(page.name for page in reference.PAGES)
    for page in reference.PAGES:
        assert document.load(PAGES / "examples" / f"{page.name}.yml").kind == page.kind


def test_a_page_that_is_behind_is_named(
    reference: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(PAGES, tmp_path / "yaml")
    page = copy / "data.md"
    page.write_text(page.read_text(encoding="utf-8").replace("| `path` |", "| `paths` |"), encoding="utf-8")
    monkeypatch.setattr(reference, "FOLDER", copy)
    assert reference.main(["--check"]) == 1
    assert capsys.readouterr().out.split() == ["data.md"]
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
