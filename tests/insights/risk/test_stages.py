"""Models by lifecycle stage: where there is enough to learn from, and the whole elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from staycurve.insights.risk.frames import Frame, frame_of, moment_of
from staycurve.insights.risk.kept import body_of, digest_of
from staycurve.insights.risk.models import fit_points
from staycurve.insights.risk.staged import (
    LEAST_ACCOUNTS,
    LEAST_LEFT,
    fit_by_stage,
    in_stage,
    staged,
    too_few,
)
from staycurve.workspace import Company
from tests.insights.risk.test_models import ACCOUNTS, drawn

AS_OF = "2024-07-01"


@pytest.fixture(scope="module")
def opposite() -> Frame:
    """Old tickets go with churn in one stage and against it in another; a third one is small."""
    frame = drawn(1)
    stages = np.array(["adoption", "retention"] * (ACCOUNTS // 2), dtype=object)
    stages[:20] = "expansion"
    stages[20] = None
    has = frame.values["old_tickets"].copy()
    has[stages == "retention"] = 1 - has[stages == "retention"]
    return replace(frame, values={**frame.values, "old_tickets": has}, stages=stages)


def test_a_stage_with_enough_leavers_has_a_model_of_its_own(opposite: Frame) -> None:
    model = fit_by_stage(opposite, {})
    assert set(model.own) == {"adoption", "retention"}
    turned = {
        stage: next(one for one in points.factors if one.name == "old_tickets").points
        for stage, points in model.own.items()
    }
    assert turned["adoption"][1] > turned["adoption"][0]
    assert turned["retention"][1] < turned["retention"][0]


def test_others_are_judged_by_the_model_of_all_accounts(opposite: Frame) -> None:
    model, whole = fit_by_stage(opposite, {}), fit_points(opposite, {})
    said = model.probability(opposite)
    rest = ~(in_stage(opposite, "adoption") | in_stage(opposite, "retention"))
    assert rest.sum() == 21
    assert (said[rest] == whole.probability(opposite)[rest]).all()
    own = in_stage(opposite, "adoption")
    assert (said[own] == model.own["adoption"].probability(opposite.where(own))).all()
    assert (said[own] != whole.probability(opposite)[own]).any()
    effects = model.effects(opposite)
    assert (effects["old_tickets"][own]
            == model.own["adoption"].effects(opposite.where(own))["old_tickets"]).all()


def test_why_a_stage_has_none_is_said(opposite: Frame) -> None:
    small = opposite.where(in_stage(opposite, "expansion"))
    assert f"20 accounts were in this stage in the days to learn from; {LEAST_ACCOUNTS}" in (
        too_few(small) or ""
    )
    large = opposite.where(in_stage(opposite, "retention"))
    left = large.left_on.copy()
    left[large.has_left.nonzero()[0][LEAST_LEFT - 1:]] = np.datetime64("NaT")
    few = replace(large, left_on=left)
    assert f"{LEAST_LEFT - 1} accounts churned in this stage" in (too_few(few) or "")
    assert too_few(large) is None
    everybody = replace(large, left_on=np.full(len(large), np.datetime64("2024-03-01")))
    assert "every account of this stage churned" in (too_few(everybody) or "")


def test_a_refit_by_stage_gives_the_same_coefficients(opposite: Frame) -> None:
    one = fit_by_stage(opposite, {})
    assert digest_of(one) == digest_of(fit_by_stage(opposite, {}))
    assert set(body_of(one)["stages"]) == {"adoption", "retention"}
    assert digest_of(one) != digest_of(fit_by_stage(replace(opposite, stages=None), {}))


def test_the_stage_of_a_day_is_that_of_its_close(leaving: Company) -> None:
    seen = leaving.as_of(AS_OF)
    with leaving.seeing(seen) as engine:
        moment = moment_of(engine, seen, 90)
        frame = staged(engine, frame_of(leaving, engine, moment))
    stages = {
        row.account_id: row.stage for row in leaving.lifecycle.accounts(as_of=AS_OF).rows
    }
    assert len(frame) > 30
    assert dict(zip(frame.account_ids, frame.stages, strict=True)) == {
        account: stages[account] for account in frame.account_ids
    }


def test_a_small_company_is_judged_by_one_model_and_told_why(leaving: Company) -> None:
    found = leaving.risk.stages(as_of=AS_OF)
    assert found.rows
    assert not any(row.has_own for row in found.rows)
    assert all("are needed" in row.why for row in found.rows)
    assert found.difference == 0
    by_stage = leaving.risk.scores(form="by_stage", as_of=AS_OF)
    points = leaving.risk.scores(as_of=AS_OF)
    assert [row.probability for row in by_stage.rows] == [row.probability for row in points.rows]
