"""Gates: who may be asked when, worked out by hand."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from staycurve.actions.surveys import definition, gates, hours
from staycurve.actions.surveys.definition import Definition
from staycurve.actions.surveys.gates import Ask, Decision, Person
from staycurve.errors import UsageError

NOW = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
ANN = Person("ann", "acme", "ann@acme.example", first_paid_on=dt.date(2026, 1, 1))


def survey(name: str = "nps", kind: str = "nps", **rules: Any) -> Definition:
    return definition.of({"name": name, "kind": kind, "question": "?", "rules": rules})


def ago(days: float, name: str = "nps") -> Ask:
    return Ask(name, NOW - dt.timedelta(days=days))


def decided(
    what: Definition, *asks: Ask, person: Person = ANN, is_mailed: bool = True
) -> Decision:
    return gates.decide(what, person, asks, now=NOW, quiet_days=7, is_mailed=is_mailed)


@pytest.mark.parametrize(("days", "why"), [(89.9, "cadence"), (90, "")])
def test_nps_asks_a_person_again_after_90_days(days: float, why: str) -> None:
    found = decided(survey(), ago(days), ago(200))
    assert found.why == why
    if why:
        assert found.at == NOW + dt.timedelta(days=90 - days)


@pytest.mark.parametrize(
    ("paid", "why"),
    [(dt.date(2026, 4, 1), ""), (dt.date(2026, 4, 2), "too_soon"), (None, "not_paid")],
)
def test_the_first_ask_comes_90_days_after_the_first_payment(
    paid: dt.date | None, why: str
) -> None:
    # From 1 April to 30 June are 90 days.
    assert decided(survey(), person=Person("x", email="x@x.example", first_paid_on=paid)).why == why


def test_after_any_survey_there_is_quiet_for_seven_days() -> None:
    assert decided(survey(), ago(6.9, "csat")) == Decision(
        "quiet", NOW + dt.timedelta(days=0.1))
    assert decided(survey(), ago(7, "csat")).is_open
    assert decided(survey(quiet_days=3), ago(3, "csat")).is_open


def test_what_is_planned_keeps_its_place() -> None:
    # NPS waits for Thursday: a weekly CSAT may not ask before, nor in the seven days after.
    planned = ago(-3, "nps")
    found = decided(survey("csat", "csat"), ago(5, "ces"), planned)
    assert found == Decision("quiet", planned.at + dt.timedelta(days=7))


def test_a_frequent_survey_does_not_starve_a_rare_one() -> None:
    weekly = survey("pulse", "csat", cadence_days=1)
    rare = survey("nps", cadence_days=90)
    once = survey("profile", "profile", first_after_days=0)
    asks: list[Ask] = []
    for day in range(400):
        now = NOW + dt.timedelta(days=day)
        for one in gates.rarest_first([weekly, rare, once]):
            if gates.decide(one, ANN, asks, now=now, quiet_days=7, is_mailed=True).is_open:
                asks.append(Ask(one.name, now))
    days = {
        name: [(one.at - NOW).days for one in asks if one.survey == name]
        for name in ("profile", "nps", "pulse")
    }
    # The profile asks once, NPS each 90 days as soon as it is quiet, and the other on what is left.
    assert days["profile"] == [0]
    assert days["nps"] == [7, 98, 189, 280, 371]
    assert len(days["pulse"]) == 400 // 7 + 1 - 6
    every = sorted(one.at for one in asks)
    assert min(later - one for one, later in itertools.pairwise(every)).days == 7


@pytest.mark.parametrize(
    ("person", "why", "by_link"),
    [
        (Person("x", email="x@x.example", has_left=True), "left", "left"),
        (Person("x", email="x@x.example", is_suppressed=True), "suppressed", "suppressed"),
        (Person("x", email="x@x.example", has_bounced=True), "bounced", ""),
        (Person("x"), "no_email", ""),
    ],
)
def test_some_are_never_asked(person: Person, why: str, by_link: str) -> None:
    csat = survey("csat", "csat")
    assert decided(csat, person=person).why == why
    assert decided(csat, person=person, is_mailed=False).why == by_link


def test_a_sample_is_stable_and_a_larger_one_holds_the_smaller() -> None:
    def taken(share: float) -> set[int]:
        what = survey(sample=share)
        return {place for place in range(2_000) if gates.is_sampled(what, f"user {place}")}

    small, large = taken(0.25), taken(0.5)
    assert small == taken(0.25)
    assert small < large
    # Four standard deviations of a binomial: 78 of 2,000.
    assert abs(len(small) - 500) < 78
    assert taken(0) == set()
    assert len(taken(1)) == 2_000


@pytest.mark.parametrize(
    ("at", "zone", "opens"),
    [
        # Saturday: Monday at 9. Clocks changed on Sunday, 29 March 2026.
        ("2026-03-28T12:00", "Europe/Berlin", "2026-03-30T07:00"),
        ("2026-03-27T06:00", "Europe/Berlin", "2026-03-27T08:00"),
        ("2026-03-27T15:59", "Europe/Berlin", "2026-03-27T15:59"),
        ("2026-03-27T16:00", "Europe/Berlin", "2026-03-30T07:00"),
        # Friday in UTC is Saturday morning in Tokyo.
        ("2026-03-27T23:00", "Asia/Tokyo", "2026-03-30T00:00"),
    ],
)
def test_mails_go_out_in_the_persons_working_hours(at: str, zone: str, opens: str) -> None:
    given = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    found = hours.next_open(given, zone, opens=9, closes=17)
    assert found == dt.datetime.fromisoformat(opens).replace(tzinfo=dt.UTC)


def test_the_time_zone_is_the_persons_then_the_countrys_then_the_companys() -> None:
    def zone(country: str | None, **traits: str) -> str:
        return hours.zone_of(traits, country, company="Europe/Oslo")

    assert zone("US", timezone="Asia/Tokyo") == "Asia/Tokyo"
    assert zone("jp", timezone="Mars/Base") == "Asia/Tokyo"
    assert zone("Germany") == zone(None) == "Europe/Oslo"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\nkind = "nsp"\nquestion = "?"', "Did you mean 'nps'?"),
        ('name = "x"\nkind = "nps"', "needs question"),
        ('name = "x/y"\nkind = "nps"\nquestion = "?"', "is not a name"),
        ('name = "x"\nkind = "nps"\nquestion = "?"\nqestions = []', "Did you mean 'questions'?"),
        ('name = "x"\nkind = "nps"\nquestion = "?"\nscale_max = 5', "scale_max is not 10"),
        ('name = "x"\nkind = "open"\nquestion = " "', "question is empty"),
        ('name = "x"\nkind = "nps"\nquestion = "?"\n[rules]\nsample = 2', "sample takes a share"),
        ("name = ", "is not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        definition.parse(text, file="own.toml")
    assert said in error.value.message
    assert error.value.message.startswith("own.toml")
    assert "\n" not in error.value.hint


def test_every_ready_survey_is_one() -> None:
    found = {name: definition.parse(text, file=name)
             for name, text in definition.templates().items()}
    assert sorted(found) == ["ces", "csat-feature", "csat-onboarding", "csat-renewal",
                             "csat-support", "nps", "open", "profile"]
    assert [one.name for one in found.values()] == list(found)
    assert len(found["profile"].questions) == 4
    assert definition.of(found["profile"].as_dict()) == found["profile"]
