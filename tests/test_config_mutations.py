"""Wrong values for every key of staycurve.toml: an error of ours that names section and key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from staycurve.config import Config, parse
from staycurve.errors import ConfigError
from staycurve.sections import SECTIONS, fields_of

WRONG = (
    "-5", "1.5", "nan", "inf", "-inf", "true", '""', '"\\u0000"', "[]", "[[1]]", '["", 5]',
    "{ x = 1 }", "[{ x = 1 }]", "1979-05-27", "07:32:00", "99999999999999999999",
    "0x" + "f" * 5000, '"' + "x" * 5000 + '"', '"²d"', '"1e999999999"', '"99999999999d"',
)
"""Each as it would stand in the file."""

TAKEN = {
    # (section, key) → the values above that it does take.
    ("company", "name"): ('""', '"' + "x" * 5000 + '"', '"²d"', '"1e999999999"', '"99999999999d"'),
    ("company", "exclude"): ("[]",),
    ("end_reasons", "voluntary"): ("[]",),
    ("end_reasons", "involuntary"): ("[]",),
    ("usage", "active"): ("[]",),
    ("usage", "ignored"): ("[]",),
    ("activation", "events"): ("[]",),
    ("activation", "checklist"): ("[]",),
    ("conventions", "weeks_per_month"): ("1.5",),
    ("conventions", "days_per_month"): ("1.5",),
    ("limits", "plan"): ('""',),
}
NAMES = {
    # A property, a feature and a plan may be called anything.
    ("usage", key) for key in ("feature", "count", "errors", "seconds", "session")
} | {("limits", "feature"), ("limits", "plan")}
TABLES = ("company", "conventions", "end_reasons", "usage", "activation", "lifecycle")


def keys() -> Iterator[tuple[str, str]]:
    for name in TABLES:
        for key in fields_of(SECTIONS[name].model):
            yield name, key


def taken(section: str, key: str) -> tuple[str, ...]:
    found = TAKEN.get((section, key), ())
    if (section, key) in NAMES:
        found += ('"' + "x" * 5000 + '"', '"²d"', '"1e999999999"', '"99999999999d"')
    if (section, key) in NAMES and section == "usage":
        found += ('""',)
    return found


def refused(text: str, *names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    message = caught.value.message
    assert "\n" not in message
    assert "pydantic" not in message + caught.value.hint
    assert caught.value.hint
    for name in names:
        assert name in message, message


KEYS = list(keys())


def test_every_table_has_keys() -> None:
    assert {section for section, _ in KEYS} == set(TABLES)
    assert len(KEYS) > 40


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_wrong_value_is_named_with_its_section_and_key(section: str, key: str) -> None:
    allowed = taken(section, key)
    assert len(WRONG) - len(allowed) >= 12
    for value in WRONG:
        text = f"[{section}]\n{key} = {value}"
        if value in allowed:
            assert isinstance(parse(text), Config)
        else:
            refused(text, section, key)


@pytest.mark.parametrize("key", ["feature", "allowance", "plan"])
def test_a_wrong_value_in_a_list_of_tables_is_named_with_its_place(key: str) -> None:
    right = {"feature": '"api"', "allowance": "5", "plan": '"Pro"'}
    for value in WRONG:
        body = "".join(f"{name} = {value if name == key else own}\n"
                       for name, own in right.items())
        text = f'[[limits]]\nfeature = "first"\nallowance = 1\n[[limits]]\n{body}'
        if value in taken("limits", key):
            assert len(parse(text).behaviour.limits) == 2
        else:
            refused(text, "[[limits]] 2", key)


@pytest.mark.parametrize("key", ["stage", "when"])
def test_a_wrong_value_in_a_rule_is_named_with_its_place(key: str) -> None:
    right = {"stage": '"adoption"', "when": '["paying"]'}
    for value in WRONG:
        if (key, value) == ("when", "[]"):
            continue
        body = "".join(f"{name} = {value if name == key else own}\n"
                       for name, own in right.items())
        refused(f"[[lifecycle.rules]]\n{body}[[lifecycle.rules]]\nstage = \"lapsed\"", key,
                "lifecycle.rules" if key == "stage" else "lifecycle")


@pytest.mark.parametrize("section", list(SECTIONS))
def test_a_section_of_another_shape_is_named(section: str) -> None:
    is_list = section in ("limits", "experiments")
    for value in WRONG:
        if value == "[]" and is_list:
            continue
        if value == "{ x = 1 }" and section == "lake_options":
            continue  # taken, where the lake is on an object store
        if section == "lake" and value in ('"²d"', '"1e999999999"', '"99999999999d"',
                                           '"' + "x" * 5000 + '"'):
            continue
        refused(f"{section} = {value}", section)


@pytest.mark.parametrize("value", WRONG)
def test_an_option_of_spark_or_of_the_store_never_crashes(value: str) -> None:
    for text in (f'[spark]\n"spark.x" = {value}', f'lake = "s3://b/p"\n[lake_options]\nX = {value}',
                 f"[sources.stripe]\napi_key = {value}", f"[sources]\nstripe = {value}"):
        with contextlib.suppress(ConfigError):
            parse(text)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("[company]\ntimezone = 5\ncurrency = [\"USD\"]\n[usage]\nactive = 3\n[conventons]")
    assert caught.value.message == (
        "staycurve.toml: [company] currency takes an ISO 4217 code, not a list."
    )
    assert caught.value.hint == (
        'Write: currency = "USD" Also wrong: [company] timezone; [usage] active; conventons.'
    )


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000, "\x00", "x = 1\nx = 2"])
def test_what_is_no_toml_is_said(text: str) -> None:
    refused(text, "not valid TOML")
