"""What the documents say is true: errors, guarantees, the architecture's length, the requirements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from whole_house import ROOT

from zaffre.store.resources import LIST_HINT as RESOURCES

SOURCE = ROOT / "src/zaffre"


def _codes(tree: ast.AST) -> Iterator[str]:
    """Values of `code=` in calls, of `default_code`, `CODE` and `"code":` in assignments and mappings."""
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            values = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id in ("default_code", "CODE"):
                    values.append(node.value)
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    names = [item.id if isinstance(item, ast.Name) else "" for item in target.elts]
                    values += [v for n, v in zip(names, node.value.elts, strict=False) if n == "default_code"]
        for value in values:
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def test_every_error_code_is_documented_and_every_documented_one_exists() -> None:
    used = {
        code
        for path in SOURCE.rglob("*.py")
        if "-project" not in str(path)
        for code in _codes(ast.parse(path.read_text()))
        if re.fullmatch(r"[A-Z][A-Za-z]+", code)
    }
    used |= {"RouteNotFound", "MethodNotAllowed", "HttpError"}  # chosen by status in api/errors.py
    used |= {f"{kind.title()}NotFound" for kind in RESOURCES}
    text = (ROOT / "docs/errors.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", text, re.MULTILINE)
    kinds = re.findall(r"^\| `\w+` \| +\d+ \| +\d+ \| `(\w+)` \|", text, re.MULTILINE)
    documented = [row for row in rows if row not in ("ZaffreError", "SpecError")] + kinds
    assert used - set(documented) == set(), "tell users what these codes mean: docs/errors.md"
    assert {code for code in documented if code not in used and code not in _kinds()} == set(), (
        "no longer in the source"
    )


def _kinds() -> set[str]:
    from zaffre.base import errors

    return {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}


def test_guarantees_name_existing_tests() -> None:
    """One line per promise: `| REL-06 | sentence | tests/...::test_name |`."""
    known = {
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    rows = re.findall(
        r"^\| ((?:REL|SEC)-\d\d) \| (.+?) \| (.+) \|$", (ROOT / "docs/guarantees.md").read_text(), re.MULTILINE
    )
    assert len(rows) >= 10
    for id_, _, tests in rows:
        named = re.findall(r"`([^`]+)`", tests)
        assert named, f"{id_} names no test"
        for name in named:
            assert name in known, f"{id_}: there is no {name}"


def test_the_architecture_stays_short_and_names_what_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(text.splitlines()) < 150
    for path in re.findall(r"`((?:src|tests|docs|benchmarks|examples)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
    floors = {item.name for item in SOURCE.iterdir() if item.is_dir() and item.name != "__pycache__"}
    for floor in floors:
        assert re.search(rf"\b{floor}\b", text), f"the floor {floor} is not on the map"


def test_links_in_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    assert len(pages) > 8
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[\w-]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_requirements_are_fixed_by_hash_and_name_no_registry() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert not re.search(r"https?:|index-url|find-links|@ ", text), path
        blocks = [block for block in re.split(r"\n(?=[A-Za-z0-9])", text) if block.strip()]
        for block in blocks:
            assert re.match(r"[\w.-]+(\[[\w,]+\])?==", block), block[:60]
            assert "--hash=sha256:" in block, block[:60]


def test_decisions_say_what_and_why() -> None:
    for path in (ROOT / "docs/decisions").glob("*.md"):
        text = path.read_text()
        assert text.startswith("# "), path
        assert "**Decision.**" in text, path
        assert "**Why" in text, path


def test_no_cell_of_the_house_is_left_out_of_the_floors() -> None:
    contract = (ROOT / "pyproject.toml").read_text()
    assert "exhaustive = true" in contract
    assert Path(ROOT / "src/zaffre/runtime").is_dir()


def test_promises_and_decisions_are_numbered_once() -> None:
    rows = re.findall(r"^\| ((?:REL|SEC)-\d\d) \|", (ROOT / "docs/guarantees.md").read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows)), "one row a promise"
    numbers = [path.name[:4] for path in (ROOT / "docs/decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers)), "one number a decision"
