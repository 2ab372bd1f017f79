"""A section of staycurve.toml that another package declares."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.config import parse
from staycurve.errors import ConfigError, PackageError
from staycurve.sections import SECTIONS
from tests.outside import installed


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path, SECTIONS):
        yield


@pytest.mark.usefixtures("outside")
def test_it_is_read_and_its_default_holds_without_it() -> None:
    module = importlib.import_module("staycurve_outside.sections")
    greeting = parse("[greeting]\ntext = \"Hi\"\ntimes = 3")[module.GREETING]
    assert (greeting.text, greeting.times) == ("Hi", 3)
    assert parse("")[module.GREETING] == module.Greeting("Hello", 1)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(("text", "said"), [
    ("[greeting]\ntimes = 10", "[greeting] times takes a whole number from 1 to 9, not 10."),
    ("[greeting]\ntimes = true", "[greeting] times takes a whole number from 1 to 9, not true."),
    ("[greeting]\ntext = 5", "[greeting] text takes a text, not 5."),
    ("[greeting]\ntxt = 5", "unknown key [greeting] 'txt'. Did you mean 'text'?"),
    ("[greetings]", "unknown key 'greetings'. Did you mean 'greeting'?"),
    ("greeting = 5", "greeting is a table, not 5."),
])
def test_what_is_wrong_in_it_is_named_as_in_ours(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.message == f"staycurve.toml: {said}"


def test_without_the_package_it_is_unknown() -> None:
    with pytest.raises(ConfigError, match="unknown key 'greeting'"):
        parse("[greeting]")


@pytest.mark.parametrize(("source", "said"), [
    (
        "from staycurve.sections import Section\n"
        "MINE = Section('company', dict, {}, 'Mine.', '[company]')\n",
        "The section 'company' of staycurve-bad exists already.",
    ),
    ("1 / 0\n", "staycurve-bad cannot be loaded for staycurve.sections: ZeroDivisionError"),
])
def test_a_package_that_does_not_fit_is_named(source: str, said: str, tmp_path: Path) -> None:
    package, place = tmp_path / "package", tmp_path / "place"
    package.mkdir()
    place.mkdir()
    name = f"staycurve_bad_{len(source)}"
    (package / f"{name}.py").write_text(source, encoding="utf-8")
    (package / "pyproject.toml").write_text(
        "[project]\nname = \"staycurve-bad\"\nversion = \"1.0\"\n"
        f"[project.entry-points.\"staycurve.sections\"]\nbad = \"{name}\"\n",
        encoding="utf-8",
    )
    with installed(place, SECTIONS, package=package), pytest.raises(PackageError) as caught:
        parse("[other]")
    assert said in caught.value.message
    assert caught.value.hint
