"""Playbooks in TOML: refused with file and line, entered at one value and left at another."""

from __future__ import annotations

import pytest

from staycurve.actions.playbooks.finding import filled
from staycurve.actions.rules.conditions import Condition
from staycurve.actions.rules.documents import RuleError
from staycurve.workspace import Company
from tests.company import load
from tests.work.conftest import RULE, playbook, rule
from tests.work.test_audiences import audience


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('type = "risk"', 'type = "risky"', 3, "type = 'risky' is not known. Did you mean 'risk'?"),
        ("payment_failing_days\"\nat", "payment_failing_day\"\nat", 11, "Unknown fact"),
        ("at_least = 0", "at_leest = 0", 12, "'at_leest' is not known here. Did you mean"),
        ("at_least = 0", 'is = "many"\nat_least = 0', 10, "in two ways"),
        ("at_least = 0", 'at_least = "0"', 12, "at_least takes a number"),
        ("at_least = 0", "at_least = 3\nleave_below = 4", 13, "leave_below needs a low bound"),
        ('of = "churned"', 'of = "left"', 15, "of = 'left' is not known"),
        ('template = "first"', 'template = "frist"', 21, "there is no template 'frist'"),
        ("{payment_failing_days} days", "{paymnt_days} days", 29, "Unknown fact 'paymnt_days'"),
        ("{name}", "{name", 29, "a field cannot be read"),
        ("due_in_days = 3", "due_in_days = -3", 25, "due_in_days takes a whole number"),
        ("chance = 0.5", "chance = 1.5", 5, "chance takes a number from 0 to 1"),
        ("closes = true", "closes = maybe", 7, "is not valid TOML"),
        ('title = "Payment failing"', "", 1, "has no title"),
        ("chance = 0.5", 'channels = ["team"]', 5, "there is no channel 'team'"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_line(
    company: Company, old: str, new: str, line: int, says: str
) -> None:
    assert old in RULE
    playbook(company, RULE.replace(old, new, 1))
    with pytest.raises(RuleError) as told:
        company.work.run(as_of="2024-07-01")
    assert told.value.message.startswith(f"playbooks/late.toml:{line} ")
    assert says in told.value.message
    assert company.work.alerts() == []


def test_a_file_without_a_rule_is_refused(company: Company) -> None:
    playbook(company, 'title = "T"\ntype = "risk"\n')
    with pytest.raises(RuleError, match="has no rule"):
        company.work.check()


@pytest.mark.parametrize(
    ("name", "fact"),
    [("metric.nrrr", "Unknown metric"), ("account.countri", "Unknown account attribute"),
     ("nonsense", "Unknown fact")],
)
def test_what_does_not_exist_is_named(company: Company, name: str, fact: str) -> None:
    playbook(company, f'title = "T"\ntype = "risk"\n[[when]]\nfact = "{name}"\nis = "x"\n')
    with pytest.raises(RuleError, match=fact) as told:
        company.work.check()
    assert told.value.message.startswith("playbooks/late.toml:4 ")


@pytest.mark.parametrize(
    ("condition", "value", "is_in", "holds"),
    [
        (Condition("x", low=10, leave_below=5), 10, False, True),
        (Condition("x", low=10, leave_below=5), 9, False, False),
        (Condition("x", low=10, leave_below=5), 5, True, True),
        (Condition("x", low=10, leave_below=5), 4, True, False),
        (Condition("x", high=4, leave_above=8), 8, True, True),
        (Condition("x", high=4, leave_above=8), 8, False, False),
        (Condition("x", high=4, is_below=True), 4, False, False),
        # Without a second bound it is left where it is entered.
        (Condition("x", low=10), 9, True, False),
        # Unknown fulfils nothing, and no negation either.
        (Condition("x", low=10), None, True, False),
        (Condition("x", values=("a",), is_negated=True), None, False, False),
        (Condition("x", values=("a",), is_negated=True), "b", False, True),
        (Condition("x", values=(True,)), True, False, True),
        (Condition("x", values=(True,)), 1, False, False),
        # An attribute comes as text.
        (Condition("x", low=10), "11", False, True),
        (Condition("x", low=10), "many", False, False),
        (Condition("x", values=(5,)), "5.0", False, True),
    ],
)
def test_hysteresis(condition: Condition, value: object, is_in: bool, holds: bool) -> None:
    assert condition.holds(value, is_in=is_in) is holds  # type: ignore[arg-type]


def test_a_template_is_filled_and_names_what_it_does_not_know() -> None:
    text = filled("{name}: {metric.nrr}, {nps} {{kept}}", {"name": "Big", "metric.nrr": 0.5})
    assert text == "Big: 0.5, [nps] {kept}"


def test_a_rule_names_an_audience_and_one_that_there_is_none_of_is_refused(
    company: Company,
) -> None:
    audience(company, "large", 'fact = "mrr"\nat_least = 300')
    audience(company, "german", 'fact = "audience.large"\nis = true',
             'fact = "account.country"\nis = "DE"', more='about = "two deep"')
    playbook(company, rule("audience.german", "is = true"))
    (row,) = company.work.run(as_of="2024-07-01").rows
    assert (row["matched"], row["opened"]) == (2, 2)
    assert {one["account_id"] for one in company.work.alerts()} == {"big", "mid"}
    (dry,) = company.work.dry_run(as_of="2024-07-01", months=1).rows
    assert dry["matched"] == 2
    playbook(company, rule("audience.germam", "is = true"))
    with pytest.raises(RuleError, match=r"Unknown audience 'germam'. Did you mean") as told:
        company.work.run(as_of="2024-07-01")
    assert told.value.message.startswith("playbooks/late.toml:5 ")


def test_a_faulty_audience_ends_the_rules_that_name_audiences_alone(company: Company) -> None:
    audience(company, "large", 'fact = "audience.large"\nis = true')
    playbook(company, rule("audience.vip", "is = true"))
    playbook(company, rule("mrr", "at_least = 1000", "growth"), "own")
    rows = {one["playbook"]: one for one in company.work.run(as_of="2024-07-01").rows}
    assert rows["late"]["matched"] is None
    assert rows["late"]["why"].startswith("audiences/large.toml:5 the audience 'large' rests on")
    assert rows["own"]["opened"] == 1


@pytest.mark.parametrize(
    ("fact", "says"),
    [("limit_share", "no limits of plans are stated"), ("nps", "no NPS answers are loaded"),
     ("csat", ""), ("renews_in_days", "no subscription says when it renews")],
)
def test_a_rule_that_nobody_could_ever_be_in_says_why(
    company: Company, fact: str, says: str
) -> None:
    load(company, {
        "answers": "answer_id survey kind account_id score scale_max answered_at\n"
                   "x1        q      csat big        4     5         2024-06-01",
        "events": "event_id event account_id occurred_at\ne1 opened big 2024-06-01",
    })
    playbook(company, rule(fact, "at_least = 0.5"))
    (row,) = company.work.run(as_of="2024-07-01").rows
    assert (row["matched"], row["why"]) == ((None, says) if says else (1, None))
