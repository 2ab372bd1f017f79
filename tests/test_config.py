"""staycurve.toml: what it takes, and what it says about what it does not."""

from __future__ import annotations

import pytest

from staycurve.config import default_text, parse
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.errors import ConfigError


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
