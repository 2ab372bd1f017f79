"""staycurve.toml: what it takes, and what it says about what it does not."""

from __future__ import annotations

import pytest

from staycurve.config import default_text, parse
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.errors import ConfigError

HASHES = ("6f127dcbeddfecb1", "036cd57c01a5117f")


def test_nothing_stated_means_every_default() -> None:
    config = parse("")
    assert config.conventions == {name: switch.default for name, switch in SWITCHES.items()}
    assert config.company.currency == "USD"


def test_the_file_that_init_writes_is_valid() -> None:
    text = default_text(name='The "A" Co', currency="EUR", timezone="Europe/Berlin")
    assert parse(text).company.name == 'The "A" Co'


@pytest.mark.parametrize("profile", PROFILES)
def test_a_key_beside_a_profile_wins(profile: str) -> None:
    config = parse(f'[conventions]\nprofile = "{profile}"\npast_due_grace = "7d"')
    assert config.convention("past_due_grace") == "7d"
    for name, value in PROFILES[profile].items():
        if name != "past_due_grace":
            assert config.convention(name) == value


@pytest.mark.parametrize(("name", "values"), [(n, s.values) for n, s in SWITCHES.items()])
def test_every_value_of_a_switch_is_taken(name: str, values: tuple[str, ...]) -> None:
    for value in values:
        assert parse(f'[conventions]\n{name} = "{value}"').convention(name) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[company]\ncurency = "USD"', "Did you mean 'currency'"),
        ('[conventons]\n', "Did you mean 'conventions'"),
        ('[conventions]\nnetting = "year"', "not a value it takes"),
        ('[conventions]\npast_due_grace = "soon"', "not a value it takes"),
        ('[conventions]\nprofile = "stripes"', "Did you mean 'stripe'"),
        ('[company]\ncurrency = "XXZ"', "unknown currency"),
        ('[company]\ntimezone = "Mars/Base"', "not known"),
        ("[company]\nfiscal_year_start = 13", "month from 1 to 12"),
        ('[company]\nexclude = "test"', "list of 'column~text'"),
        ('[end_reasons]\nvoluntary = "x"', "list of texts"),
        ('[end_reasons]\nother = ["x"]', "unknown key"),
        ("[company", "not valid TOML"),
        ('engine = "oracle"', "not available"),
    ],
)
def test_what_it_cannot_follow_it_names(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert said in caught.value.message
    assert caught.value.hint


def test_listed_reasons_take_the_place_of_the_usual_ones() -> None:
    reasons = parse('[end_reasons]\nvoluntary = ["Moved Away "]').end_reasons
    assert reasons["moved away"] == "voluntary"
    assert "too expensive" not in reasons
    assert reasons["payment failed"] == "involuntary"


def test_a_listed_reason_goes_before_the_default_of_the_other_list() -> None:
    reasons = parse('[end_reasons]\nvoluntary = ["Fraud"]').end_reasons
    assert reasons["fraud"] == "voluntary"
    assert reasons["dunning"] == "involuntary"


def test_a_reason_in_both_lists_is_an_error() -> None:
    with pytest.raises(ConfigError, match="'fraud' as voluntary and as involuntary"):
        parse('[end_reasons]\nvoluntary = ["fraud"]\ninvoluntary = ["Fraud "]')


def test_numbers_may_stand_for_a_convention() -> None:
    config = parse("[conventions]\nweeks_per_month = 4\ndays_per_month = 30.5")
    assert (config.convention("weeks_per_month"), config.convention("days_per_month")) == (
        "4", "30.5",
    )


def test_hashes_stay_so_that_nothing_is_computed_anew() -> None:
    # As the version before sections were declared one by one computed them.
    assert (parse("").ledger_hash, parse("").usage_hash) == HASHES


@pytest.mark.parametrize("name", list(SWITCHES))
def test_a_switch_holds_its_whole_story(name: str) -> None:
    switch = SWITCHES[name]
    assert switch.check(switch.default)
    assert switch.about
    assert switch.more
    for value in switch.values:
        assert switch.says(value)
        assert "{" not in switch.says(value)
    for tool, rule in switch.tools.items():
        assert tool in PROFILES
        assert switch.check(rule.value)
        assert rule.source
    assert bool(switch.accepts) == bool(switch.others)


@pytest.mark.parametrize(("name", "value"), [
    ("weeks_per_month", "0"), ("weeks_per_month", "4/0"), ("days_per_month", "101"),
    ("days_per_month", "1e9"), ("past_due_grace", "-1d"), ("past_due_grace", "123456d"),
    ("past_due_grace", "³d"), ("cac_lag", "1000m"), ("reactivation_window", "d"),
])
def test_a_value_of_the_right_form_and_no_sense_is_an_error(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match="is not a value it takes"):
        parse(f'[conventions]\n{name} = "{value}"')


@pytest.mark.parametrize(("name", "value", "words"), [
    ("days_per_month", "1461/48", "a month has 1461/48 days"),
    ("past_due_grace", "14d", "past due counts for 14 days"),
    ("cac_lag", "2m", "acquisition cost of 2 months earlier"),
])
def test_further_values_are_taken_by_their_form(name: str, value: str, words: str) -> None:
    assert parse(f'[conventions]\n{name} = "{value}"').convention(name) == value
    assert SWITCHES[name].says(value) == words
