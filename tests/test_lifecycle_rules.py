"""[lifecycle] of staycurve.toml: what is read, and what is refused with the next step."""

from __future__ import annotations

import pytest

from staycurve import config
from staycurve.errors import ConfigError
from staycurve.lifecycle_rules import DEFAULT_RULES, FACTS, STAGES, THRESHOLDS, LifecycleRules


def rules(text: str) -> LifecycleRules:
    return config.parse(f'{text}\n[company]\nname = "Test"\n').lifecycle


def test_without_the_section_the_defaults_hold() -> None:
    found = rules("")
    assert found == LifecycleRules()
    assert found.rules == DEFAULT_RULES
    assert {rule.stage for rule in found.rules} == set(STAGES)


def test_numbers_and_rules_are_read() -> None:
    found = rules(
        """
        [lifecycle]
        adoption_days = 8
        tenure_days = 30
        [[lifecycle.rules]]
        stage = "adoption"
        when = ["paying", "not  untracked"]
        [[lifecycle.rules]]
        stage = "lapsed"
        """
    )
    assert (found.adoption_days, found.tenure_days, found.trailing_days) == (8, 30, 28)
    assert [(rule.stage, rule.tests) for rule in found.rules] == [
        ("adoption", [("paying", True), ("untracked", False)]), ("lapsed", []),
    ]


def test_a_rule_reads_as_words_with_the_numbers_in_force() -> None:
    found = rules("[lifecycle]\nexpansion_days = 45")
    assert found.rule_words(0) == (
        "pays; its expansion outweighs its contraction of the last 45 days"
    )
    assert found.rule_words(len(found.rules) - 1) == "nothing of the above"
    for fact in FACTS:
        assert "{" not in found.words(fact)


def test_every_number_says_what_it_is_and_why() -> None:
    assert THRESHOLDS
    for key, known in THRESHOLDS.items():
        assert getattr(LifecycleRules(), key) == known.default
        assert known.least <= known.default <= known.most
        assert known.about
        assert known.why


@pytest.mark.parametrize(("text", "words"), [
    (
        "[lifecycle]\ntrailing_day = 14",
        "unknown key [lifecycle] 'trailing_day'. Did you mean 'trailing_days'?",
    ),
    ("[lifecycle]\ntrailing_days = 90", "trailing_days takes a whole number from 7 to 28"),
    ("[lifecycle]\ntenure_days = true", "tenure_days takes a whole number"),
    ("[lifecycle]\ntenure_days = 1.5", "tenure_days takes a whole number"),
    ("[lifecycle]\nstuck_percent = 100", "stuck_percent takes a whole number from 50 to 99"),
    ("[lifecycle]\nadoption_days = 9\ntrailing_days = 7", "adoption_days = 9 is more than the 7"),
    ("[lifecycle]\nadoption_keep_days = 5", "adoption_keep_days = 5 is more than adoption_days"),
    ("lifecycle = 3", "lifecycle is a table, not 3."),
    ("[lifecycle]\nrules = []", "[lifecycle] rules is an empty list"),
    (
        '[[lifecycle.rules]]\nstage = "adopted"\nwhen = []',
        "[[lifecycle.rules]] 1: stage = 'adopted' is not a value it takes. "
        "Did you mean 'adoption'?",
    ),
    (
        '[[lifecycle.rules]]\nstage = "lapsed"\nif = []',
        "unknown key [[lifecycle.rules]] 1 'if'.",
    ),
    (
        '[[lifecycle.rules]]\nstage = "lapsed"\nwhen = "paying"',
        "[[lifecycle.rules]] 1: when takes a list of facts, not 'paying'.",
    ),
    ('[[lifecycle.rules]]\nstage = "lapsed"\nwhen = ["payin"]', "Did you mean 'paying'?"),
    ('[[lifecycle.rules]]\nstage = "adoption"\nwhen = ["paying"]', "accounts have no stage"),
    (
        '[[lifecycle.rules]]\nstage = "lapsed"\n[[lifecycle.rules]]\nstage = "adoption"',
        "[lifecycle] rules has a rule 1 that always holds",
    ),
])
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        rules(text)
    assert words in raised.value.message
    assert raised.value.hint
