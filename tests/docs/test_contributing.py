"""The examples of CONTRIBUTING.md are the code that other tests run."""

from __future__ import annotations

import re
import tomllib

from tests.docs.snippets import ROOT

PAGE = ROOT / "CONTRIBUTING.md"
EXAMPLE = re.compile(r"<!-- from (\S+) -->\n```python\n(.*?)```", re.DOTALL)
KINDS = ("metrics", "insights", "pages", "sources", "sections")


def test_every_example_stands_in_the_file_that_it_names() -> None:
    found = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(found) >= len(KINDS)
    for name, code in found:
        assert code in (ROOT / name).read_text(encoding="utf-8"), f"{name} says something else"
    assert {name.rpartition("/")[2] for name, _ in found} == {f"{kind}.py" for kind in KINDS}


def test_every_kind_has_its_group_in_the_text_and_in_the_package() -> None:
    text = PAGE.read_text(encoding="utf-8")
    project = tomllib.loads(
        (ROOT / "tests" / "outside" / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    for kind in KINDS:
        assert f"`staycurve.{kind}`" in text
        assert f"staycurve.{kind}" in project["entry-points"]


def test_every_target_of_make_that_it_names_exists() -> None:
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make ([\w-]+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) > 4
    for target in named:
        assert re.search(rf"^{target}:", made, re.MULTILINE), target
