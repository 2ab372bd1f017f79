"""The generated reference is current, and nothing is missing from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.insights.catalogue import INSIGHTS, THEMES
from staycurve.metrics.base import STAGES
from staycurve.metrics.catalogue import METRICS
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.views import DERIVED
from tests.docs.snippets import ROOT

ADVICE = "Run: make docs"


def text(name: str) -> str:
    return (generate.REFERENCE / name).read_text(encoding="utf-8")


def headings(name: str) -> set[str]:
    return {line.lstrip("# ") for line in text(name).splitlines() if line.startswith("#")}


def test_generated_pages_are_current() -> None:
    made = generate.pages()
    old = [
        str(path.relative_to(generate.REFERENCE))
        for path, page in made.items()
        if not path.exists() or path.read_text(encoding="utf-8") != page
    ]
    assert not old, f"{', '.join(old)} are not what the program says. {ADVICE}"


def test_nothing_in_the_reference_is_left_over() -> None:
    assert generate.stray() == [], ADVICE


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_has_a_page_that_says_what_it_is(name: str) -> None:
    page = text(f"metrics/{name}.md")
    metric = METRICS[name]
    for needed in (metric.label, metric.about, metric.formula.text()[:20], "Worked example"):
        assert needed in page
    assert metric.disagreements in page
    assert f"]({name}.md)" in text("metrics/index.md")


@pytest.mark.parametrize("name", list(METRICS))
def test_the_page_of_a_metric_names_the_file_that_declares_it(name: str) -> None:
    assert_names_a_file(text(f"metrics/{name}.md"), rf"^{name}\b.* = \w+\(")


@pytest.mark.parametrize("name", list(INSIGHTS))
def test_the_part_of_an_insight_names_the_file_that_declares_it(name: str) -> None:
    theme = name.partition(" ")[0]
    # Those of one word that begin no theme stand with the books.
    page = text(f"insights/{theme if theme in THEMES else 'books'}.md")
    assert_names_a_file(page.split(f"\n## {name}\n")[1], rf'"{name}"')


def assert_names_a_file(page: str, declaration: str) -> None:
    named = re.search(r"\| declared in \| `(.*?)` \|", page)
    assert named
    source = (ROOT / named[1]).read_text(encoding="utf-8")
    assert re.search(declaration, source, re.MULTILINE)


def test_every_metric_belongs_to_a_stage() -> None:
    assert {metric.stage for _, metric in METRICS.items()} <= set(STAGES)


@pytest.mark.parametrize("name", [*CONFORMED, *DERIVED])
def test_every_table_has_a_section(name: str) -> None:
    assert name in headings("tables.md")


@pytest.mark.parametrize("name", list(CONFORMED))
def test_every_column_has_a_row(name: str) -> None:
    section = text("tables.md").split(f"### {name}\n")[1].split("\n##")[0]
    assert CONFORMED[name].columns
    for column in CONFORMED[name].columns:
        assert f"| `{column.name}`" in section
        assert column.about in section


@pytest.mark.parametrize("name", list(SWITCHES))
def test_every_switch_has_a_row_and_a_section(name: str) -> None:
    page = text("conventions.md")
    assert name in headings("conventions.md")
    assert f"[`{name}`](#{name})" in page
    assert all(f"`{value}`" in page for value in SWITCHES[name].values)


@pytest.mark.parametrize("name", list(PROFILES))
def test_every_profile_names_the_source_of_every_value(name: str) -> None:
    assert name in headings("conventions.md")
    section = text("conventions.md").split(f"\n### {name}\n")[1].split("\n##")[0]
    for switch, rule in PROFILES[name].rules.items():
        assert rule.source
        assert f"| [`{switch}`](#{switch}) | `{rule.value}` | {rule.source} |" in section
    for rule_name, source in PROFILES[name].not_imitated.items():
        assert f"| {rule_name} | {source} |" in section


def test_profiles_name_switches_that_exist() -> None:
    named = {switch for profile in PROFILES.values() for switch in profile}
    assert set() < named <= set(SWITCHES)


@pytest.mark.parametrize("name", list(generate.commands()))
def test_every_command_has_a_section_with_its_options(name: str) -> None:
    section = text("cli.md").split(f"## {name}\n")[1].split("\n## ")[0]
    assert section.strip()
    for parameter in generate.commands()[name].params:
        if parameter.name != "help":
            shown = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
            assert str(shown or parameter.name.upper()) in section


def test_decisions_name_metrics_that_exist() -> None:
    assert generate.DECISIONS
    for _, names in generate.DECISIONS.values():
        assert names
        assert all(name in METRICS for name in names)


def test_the_generator_writes_only_into_the_reference() -> None:
    assert all(generate.REFERENCE in path.parents for path in generate.pages())
    assert Path(generate.__file__).parent == generate.REFERENCE.parent
