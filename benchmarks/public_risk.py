"""Churn models beside plain logistic regression, on public data and on the same split.

    .venv/bin/python benchmarks/public_risk.py [--socialnet DIR] [--telco FILE] [--ravenstack DIR]

`--socialnet` takes the folder of tables that the package fightchurn simulates (socialnet7),
`--telco` the file of IBM's sample of telco customers, `--ravenstack` the folder of RavenStack's
tables. Nothing of them is part of this repository.

Plain logistic regression has the same columns as the models: unknown values at their median with
a column that says so, all of them standardised, plans one by one. Beside it stands the baseline
that the product shows (recency, tenure and plan). Differences come with a 95% interval by
resampling whole accounts; a model beats another one where that interval leaves out 0.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import public_companies
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from staycurve.insights.risk.feature_table import FEATURES
from staycurve.insights.risk.frames import Frame, moment_of
from staycurve.insights.risk.track import Lacking, Track, fitted, rounds_of, track_of
from staycurve.workspace import Company

RESAMPLES = 400
FIGURES: Mapping[str, Callable[..., float]] = {
    "AUC": roc_auc_score, "PR-AUC": average_precision_score, "Brier": brier_score_loss,
}
MODELS = ("points", "boosting", "by_stage", "baseline")


def plain(train: Frame, test: Frame) -> np.ndarray:
    """What a plain logistic regression over the same columns says of the test rows."""
    plans = sorted({str(plan) for plan in train.plans})
    names = [
        name for name, values in train.values.items()
        if not np.isnan(values).all() and len(np.unique(values[~np.isnan(values)])) > 0
    ]
    medians = {name: np.nanmedian(train.values[name]) for name in names}

    def matrix(frame: Frame) -> np.ndarray:
        columns = []
        for name in names:
            values = frame.values[name]
            columns += [np.where(np.isnan(values), medians[name], values), np.isnan(values)]
        columns += [frame.plans.astype(str) == plan for plan in plans]
        return np.stack(columns, axis=1).astype(float)

    own, other = matrix(train), matrix(test)
    center, scale = own.mean(axis=0), own.std(axis=0)
    scale[scale == 0] = 1
    fit = LogisticRegression(max_iter=5000).fit((own - center) / scale, train.has_left)
    found: np.ndarray = fit.predict_proba((other - center) / scale)[:, 1]
    return found


def told(said: Mapping[str, np.ndarray], left: np.ndarray, accounts: np.ndarray) -> None:
    """Print the figures of each model, and the differences with their intervals."""
    sys.stdout.write(f"  {'':12}" + "".join(f"{name:>9}" for name in FIGURES) + "\n")
    for name, probability in said.items():
        sys.stdout.write(f"  {name:12}" + "".join(
            f"{figure(left, probability):9.4f}" for figure in FIGURES.values()
        ) + "\n")
    for other in ("plain", "baseline"):
        for name in said:
            if name in ("plain", other):
                continue
            parts = []
            for label, figure in FIGURES.items():
                gap, low, high = differences(figure, said[name], said[other], left, accounts)
                better, worse = (high < 0, low > 0) if label == "Brier" else (low > 0, high < 0)
                word = "better" if better else "worse" if worse else "no difference"
                parts.append(f"{label} {gap:+.4f} ({low:+.4f} to {high:+.4f}) {word}")
            sys.stdout.write(f"  {name} less {other}: {'; '.join(parts)}\n")


def differences(
    figure: Callable[..., float], one: np.ndarray, other: np.ndarray, left: np.ndarray,
    accounts: np.ndarray,
) -> tuple[float, float, float]:
    """A figure's difference and its 95% interval, by resampling whole accounts."""
    _names, places = np.unique(accounts.astype(str), return_inverse=True)
    size = int(places.max()) + 1
    draw, found = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        weights = draw.multinomial(size, np.full(size, 1 / size))[places]
        if weights[left].sum() and weights[~left].sum():
            found.append(
                figure(left, one, sample_weight=weights)
                - figure(left, other, sample_weight=weights)
            )
    low, high = np.quantile(found, [0.025, 0.975])
    return figure(left, one) - figure(left, other), float(low), float(high)


def companys(name: str, company: Company, horizon: int) -> None:
    """A company's models on later days than they learned from."""
    seen = company.as_of(None)
    with company.seeing(seen) as engine:
        track = track_of(
            company, engine, moment_of(engine, seen, horizon), horizon, is_staged=True
        )
    sys.stdout.write(f"{name}, churn within {horizon} days\n")
    if isinstance(track, Lacking):
        sys.stdout.write(f"  {track.why}\n")
        return
    clock = time.process_time()
    said = {one: track.forms[one].probability for one in MODELS}
    said["plain"] = np.concatenate([
        plain(train, test) for train, test in rounds_of(track.past, track.test, horizon)
    ])
    sys.stdout.write(
        f"  {len(track.past)} rows to learn from, {len(track.test)} to test on, of them "
        f"{track.test.has_left.sum()} churned; {time.process_time() - clock:.1f} CPU s\n"
    )
    told(said, track.test.has_left, track.test.account_ids)
    beaten(track)


def beaten(track: Track) -> None:
    """What the product itself says of its models."""
    winners = [one for one in MODELS if one != "baseline" and track.beats(one)]
    sys.stdout.write(
        f"  the product says: {', '.join(winners) or 'nothing'} beats the baseline\n"
    )


def customers(path: Path) -> None:
    """Telco customers: one day without a history, so a draw of seven tenths learns."""
    FEATURES.modules = (*FEATURES.modules, "public_telco")
    FEATURES.forget()
    import public_telco

    whole = public_telco.telco(path)
    order = np.random.default_rng(0).permutation(len(whole))
    cut = len(whole) * 7 // 10
    train, test = whole.where(np.sort(order[:cut])), whole.where(np.sort(order[cut:]))
    sys.stdout.write(
        f"Telco customers, one day\n  {len(train)} rows to learn from, {len(test)} to test on, of "
        f"them {test.has_left.sum()} churned\n"
    )
    said = {
        one: fitted(one, train, {}).probability(test) for one in ("points", "boosting", "baseline")
    }
    said["plain"] = plain(train, test)
    told(said, test.has_left, test.account_ids)


def main() -> None:
    """Every data set that is given."""
    given = argparse.ArgumentParser()
    given.add_argument("--socialnet", type=Path)
    given.add_argument("--telco", type=Path)
    given.add_argument("--ravenstack", type=Path)
    options = given.parse_args()
    if not any(vars(options).values()):
        given.error("give at least one of --socialnet, --telco and --ravenstack")
    with threadpool_limits(limits=1), tempfile.TemporaryDirectory() as folder:
        if options.socialnet:
            (Path(folder) / "socialnet").mkdir()
            companys("socialnet7", public_companies.socialnet(
                options.socialnet, Path(folder) / "socialnet"
            ), 30)
        if options.ravenstack:
            (Path(folder) / "ravenstack").mkdir()
            made = public_companies.ravenstack(options.ravenstack, Path(folder) / "ravenstack")
            for horizon in (30, 90):
                companys("RavenStack", made, horizon)
        if options.telco:
            customers(options.telco)


if __name__ == "__main__":
    main()
