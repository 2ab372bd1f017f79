"""doctor: what is missing, what contradicts itself, and which conventions are in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from staycurve.config import Config
from staycurve.conventions import SWITCHES
from staycurve.insights.examination import billing_checks, event_checks
from staycurve.insights.examination.findings import Finding, Patient
from staycurve.insights.examination.rejected import by_rule
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.describe import tables_of
from staycurve.period import AsOf, period_of
from staycurve.sources.configured import configured
from staycurve.sources.raw import kept
from staycurve.tables import account_roots, views
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import AnyEngine, name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot
from staycurve.tables.standing import spans_sql

PREPAID_SHARE = 0.3
"""With more of the accounts ending in the last month, their ends are prepaid ends, not churn."""
STALE_DAYS = 7
"""ECB publishes on business days: a rate may be four days old at Easter, not a week."""


Check = Callable[[Patient], Iterator[Finding]]


def examine(
    config: Config, lake: Lake, snapshot: Snapshot, engine: AnyEngine, seen: AsOf
) -> list[Finding]:
    """Every finding, in the order of the checks."""
    patient = Patient(config, lake, snapshot, engine, seen)
    return [finding for check in CHECKS for finding in check(patient)]


def _tables(patient: Patient) -> Iterator[Finding]:
    unknown = views.empty_tables(patient.lake, patient.snapshot)
    empty = [table for table in CONFORMED if table in unknown]
    waiting = {
        table: sum(table in tables_of(metric) for _, metric in METRICS.items()) for table in empty
    }
    listed = [f"{table} ({count} metrics)" for table, count in waiting.items() if count]
    if listed:
        yield Finding(
            "note",
            "empty_tables",
            f"Nothing is loaded of {', '.join(listed)}; those metrics stay empty.",
            "Load a file of that name, such as: "
            f"staycurve load {next(t for t, count in waiting.items() if count)}.csv",
            len(listed),
        )


def _accounts(patient: Patient) -> Iterator[Finding]:
    bare = patient.count(
        "SELECT COUNT(*) FROM accounts WHERE name IS NULL AND created_at IS NULL "
        "AND industry IS NULL AND country IS NULL AND attributes IS NULL"
    )
    if bare:
        yield Finding(
            "note",
            "bare_accounts",
            f"{bare} accounts are known by their id alone: a subscription, invoice or payment "
            "named them.",
            "Load accounts.csv to cut numbers by industry, country and the like.",
            bare,
        )
    excluded = patient.count("SELECT COUNT(*) FROM account_roots WHERE is_excluded")
    if excluded:
        yield Finding(
            "note", "excluded", f"{excluded} accounts are left out by [company] exclude.", "",
            excluded,
        )
    yield from _exclusions(patient)
    circles = patient.count(
        "SELECT COUNT(*) FROM account_roots r JOIN accounts a ON a.account_id = r.root_id "
        "JOIN accounts p ON p.account_id = a.parent_id WHERE a.parent_id <> a.account_id"
    )
    if circles:
        yield Finding(
            "warning",
            "parent_circle",
            f"{circles} accounts have parents that form a circle, or a chain of more than six.",
            "Mend parent_id in accounts.csv and load it again.",
            circles,
        )


def _exclusions(patient: Patient) -> Iterator[Finding]:
    unknown = account_roots.unknown_fields(
        patient.config, patient.snapshot.meta.get("attributes", [])
    )
    for error in unknown:
        yield Finding("problem", "exclude_unknown_field", error.message, error.hint)
    for column, text in patient.config.company.exclusions:
        rule = account_roots.matches(column, text)
        if patient.count(f"SELECT COUNT(*) FROM accounts a WHERE {rule}") == 0:
            yield Finding(
                "warning",
                "exclude_matches_nobody",
                f"[company] exclude: '{column}~{text}' matches no account.",
                "Correct it in staycurve.toml, or remove it.",
            )


def _spans(patient: Patient) -> Iterator[Finding]:
    zero = patient.count("SELECT COUNT(*) FROM subscriptions WHERE ends_at = starts_at")
    if zero:
        yield Finding(
            "note", "zero_length_spans", f"{zero} spans end when they begin and count 0.", "", zero
        )
    month = period_of(patient.seen.last_day, "month")
    share = patient.engine.rows(
        "SELECT COUNT(DISTINCT CASE WHEN day >= DATE '"
        f"{month.start}' AND day <= DATE '{patient.seen.last_day}' AND movement = 'churned' "
        "THEN account_id END), COUNT(DISTINCT account_id) FROM mrr_movements"
    )[0]
    if share[1] and share[0] > PREPAID_SHARE * share[1]:
        yield Finding(
            "warning",
            "prepaid_ends",
            f"{share[0]} of {share[1]} accounts end in {month.start:%Y-%m}: the file probably "
            "stops at prepaid ends, and those accounts have not left.",
            f"Look from before it: --as-of {month.start}",
            int(share[0]),
        )


def _rejects(patient: Patient) -> Iterator[Finding]:
    for one in by_rule(patient):
        yield Finding(
            "warning",
            "rejects",
            f"{one.table}: {one.count:,} {'row' if one.count == 1 else 'rows'} {one.state}: "
            f"{one.rule} (first: {one.example})",
            "staycurve rejects",
            one.count,
        )


def _rates(patient: Patient) -> Iterator[Finding]:
    rows = patient.engine.rows(
        "SELECT currency, MIN(day), MAX(day), MIN(origin) FROM fx_days GROUP BY currency"
    )
    for currency, first, last, origin in sorted(rows):
        if origin == "ECB":
            yield Finding(
                "note",
                "ecb_rates",
                f"{currency}: no rates are loaded; those of the ECB from {first} to {last} are "
                "used.",
                "Load fx_rates.csv to use your own.",
            )
        if last < patient.seen.last_day - dt.timedelta(days=STALE_DAYS):
            yield Finding(
                "warning",
                "stale_rates",
                f"{currency}: the last known rate is of {last}; it holds until {patient.seen.at}.",
                "Load newer rates: staycurve load fx_rates.csv",
            )
        earliest = patient.engine.value(
            f"SELECT MIN(starts_on) FROM {spans_sql()} b WHERE currency = {quoted(currency)}"
        )
        if earliest is not None and earliest < first:
            yield Finding(
                "warning",
                "early_rates",
                f"{currency}: used from {earliest}, but the first known rate is of {first}; that "
                "one is used before.",
                "Load older rates: staycurve load fx_rates.csv",
            )


def _early_events(patient: Patient) -> Iterator[Finding]:
    early = patient.count(f"""
        SELECT COUNT(*) FROM events e
        JOIN (SELECT account_id, MIN(starts_on) AS first_on FROM {spans_sql()} b
              GROUP BY account_id) s ON s.account_id = e.account_id
        WHERE e.occurred_on < s.first_on""")
    if early:
        yield Finding(
            "warning",
            "events_before_account",
            f"{early} events happened before their account's first subscription began.",
            "They stay loaded; sign-up and billing dates of the source disagree.",
            early,
        )
    of_item = patient.count(f"""
        SELECT COUNT(*) FROM events e
        JOIN (SELECT subscription_id, MIN(starts_on) AS first_on FROM {spans_sql()} b
              GROUP BY subscription_id) s
          ON s.subscription_id = json_extract_string(e.properties, '$.subscription_id')
        WHERE e.occurred_on < s.first_on""")
    if of_item:
        yield Finding(
            "warning",
            "events_before_subscription",
            f"{of_item} events name a subscription that had not begun when they happened.",
            "They stay loaded; the source contradicts itself.",
            of_item,
        )


_PAYING = """SELECT DISTINCT account_id FROM mrr_items WHERE amount > 0 AND starts_on <= {day}
    AND (ends_on IS NULL OR ends_on > {day})"""


def _churn_sources(patient: Patient) -> Iterator[Finding]:
    day = f"DATE '{patient.seen.last_day}'"
    paying = _PAYING.format(day=day)
    left = (
        f"SELECT DISTINCT account_id FROM mrr_movements WHERE movement = 'churned' AND day <= {day}"
    )
    for attribute in patient.snapshot.meta.get("attributes", []):
        if "churn" not in attribute.lower():
            continue
        path = quoted(f'$."{attribute}"')
        yes = "'true', 't', 'yes', '1', 'churned'"
        said = f"lower(json_extract_string(attributes, {path})) IN ({yes})"
        still = patient.count(
            f"SELECT COUNT(*) FROM accounts WHERE {said} AND account_id IN ({paying})"
        )
        gone = patient.count(
            f"SELECT COUNT(*) FROM accounts a WHERE NOT {said} AND account_id IN ({left}) "
            f"AND NOT EXISTS (SELECT 1 FROM ({paying}) p WHERE p.account_id = a.account_id)"
        )
        if still or gone:
            yield Finding(
                "warning",
                "churn_sources",
                f"accounts.{attribute} contradicts the subscriptions: {still} accounts that it "
                f"calls churned pay on {patient.seen.last_day}, {gone} that it does not have "
                "stopped.",
                "The numbers follow the subscriptions.",
                still + gone,
            )
    surveys = patient.engine.rows(
        "SELECT DISTINCT survey FROM answers WHERE lower(survey) LIKE '%churn%' "
        "OR lower(survey) LIKE '%cancel%' OR lower(survey) LIKE '%exit%' ORDER BY survey"
    )
    for (survey,) in surveys:
        told = (
            "SELECT DISTINCT account_id FROM answers "
            f"WHERE survey = {quoted(survey)} AND account_id IS NOT NULL"
        )
        stayed = patient.count(
            f"SELECT COUNT(*) FROM ({told}) t "
            f"WHERE NOT EXISTS (SELECT 1 FROM ({left}) l WHERE l.account_id = t.account_id)"
        )
        silent = patient.count(
            f"SELECT COUNT(*) FROM ({left}) l "
            f"WHERE NOT EXISTS (SELECT 1 FROM ({told}) t WHERE t.account_id = l.account_id)"
        )
        if stayed or silent:
            yield Finding(
                "warning",
                "churn_sources",
                f"answers of survey '{survey}' contradict the subscriptions: {stayed} accounts in "
                f"it never stopped paying, {silent} that stopped are not in it.",
                "The numbers follow the subscriptions.",
                stayed + silent,
            )


def _trial_flags(patient: Patient) -> Iterator[Finding]:
    mixed = patient.count("""
        SELECT COUNT(DISTINCT t.account_id) FROM trials t
        JOIN mrr_items i ON i.account_id = t.account_id
        WHERE i.amount > 0 AND i.starts_on < t.started_on""")
    if mixed:
        yield Finding(
            "note",
            "trial_after_payment",
            f"{mixed} accounts began their first trial after they had paid.",
            "They count as trial starts; whether they convert goes by what they pay from then on.",
            mixed,
        )


def _repeated_keys(patient: Patient) -> Iterator[Finding]:
    for record in patient.lake.pointer.loads():
        repeated = int(record.details.get("doubled", 0) or 0)
        if repeated:
            yield Finding(
                "warning",
                "repeated_keys",
                f"{record.file}: {repeated} rows of {record.table} repeat the key of a later row "
                "in the file; the later row was kept.",
                "If they are rows of their own, say what identifies them: [key] in a --map file.",
                repeated,
            )


def _certificates(patient: Patient) -> Iterator[Finding]:
    for one in configured(patient.config).values():
        if not one.source.certificate:
            continue
        with kept(patient.lake, one.name, one.source.name) as held:
            lines = [line.as_dict() for line in one.source.certificate(held, one.name)]
        open_ones = [line for line in lines if not line["is_complete"]]
        if open_ones:
            listed = ", ".join(str(line["object"]) for line in open_ones)
            yield Finding(
                "warning",
                "incomplete_source",
                f"{one.name}: the source and what is here differ, or were never compared whole: "
                f"{listed}.",
                "What differs, id by id: staycurve sources certificate",
                len(open_ones),
            )


MOST_EVENTS = 5_000_000
"""With more events than this, looking through their properties would take minutes."""


def _repeated_ids(patient: Patient) -> Iterator[Finding]:
    events = patient.lake.rows(patient.snapshot, "events")
    if not 0 < events <= MOST_EVENTS:
        return
    patient.engine.view("some_events", "SELECT properties FROM events LIMIT 1000")
    for key in patient.engine.json_keys("some_events", "properties"):
        if not key.endswith("_id"):
            continue
        path = quoted(f'$."{key}"')
        known, distinct = patient.engine.rows(
            f"SELECT COUNT(id), COUNT(DISTINCT id) FROM "
            f"(SELECT json_extract_string(properties, {path}) AS id FROM events) named"
        )[0]
        # An id that almost every row has for itself was meant to be unique.
        if 0 < known - distinct <= 0.05 * known:
            yield Finding(
                "warning",
                "repeated_ids",
                f"events: {known - distinct} rows repeat a {key} of another row.",
                "They are loaded as rows of their own; the source gave one id to several.",
                known - distinct,
            )


def _identity(patient: Patient) -> Iterator[Finding]:
    broken = patient.count("""
        WITH steps AS (
            SELECT account_id, before, after, movement, amount,
                   lag(after) OVER (PARTITION BY account_id ORDER BY day, last_mark) AS previous
            FROM mrr_movements
        )
        SELECT COUNT(*) FROM steps
        WHERE after - before <> CASE WHEN movement IN ('new', 'reactivation', 'expansion')
                                     THEN amount
                                     WHEN movement IN ('contraction', 'churned') THEN -amount
                                     ELSE 0 END""")
    if broken:
        yield Finding(
            "problem",
            "identity",
            f"{broken} movements do not explain the change of their account's MRR.",
            "staycurve refresh --full; if it stays, please report it: no number here is sound.",
            broken,
        )
    else:
        yield Finding("ok", "identity", "Opening + movements = closing for every account.")


def _conventions(patient: Patient) -> Iterator[Finding]:
    changed = {
        key: value
        for key, value in patient.config.conventions.items()
        if value != SWITCHES[key].default
    }
    listed = ", ".join(f"{key} = {value}" for key, value in changed.items())
    yield Finding(
        "ok",
        "conventions",
        f"Conventions: profile {patient.config.profile}"
        + (f", with {listed}." if listed else ", every switch at its default."),
    )


def _rows(patient: Patient) -> Iterator[Finding]:
    counts = [
        f"{name(table)[1:-1]} {rows:,}"
        for table in CONFORMED
        if (rows := patient.lake.rows(patient.snapshot, table))
    ]
    yield Finding(
        "ok",
        "lake",
        f"Lake at move {patient.snapshot.seq}, seen as of {patient.seen.at.isoformat()}: "
        + (", ".join(counts) or "nothing is loaded")
        + ".",
    )


CHECKS: tuple[Check, ...] = (
    _rows,
    _identity,
    _conventions,
    _tables,
    _accounts,
    _spans,
    _rejects,
    _rates,
    _repeated_keys,
    _certificates,
    _repeated_ids,
    _early_events,
    _churn_sources,
    _trial_flags,
    *billing_checks.CHECKS,
    *event_checks.CHECKS,
)
