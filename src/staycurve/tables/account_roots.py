"""account_roots: which customer each billing account belongs to, and whether it counts."""

from __future__ import annotations

from collections.abc import Iterable

from staycurve.config import FILE_NAME, Config
from staycurve.errors import ConfigError
from staycurve.i18n import N_
from staycurve.sections import near
from staycurve.tables import account_merges
from staycurve.tables.accounts import ACCOUNTS
from staycurve.tables.derived import Derived
from staycurve.tables.engine import AnyEngine, json_text, quoted

LEVELS = 6
"""How many parents above each other are followed; a longer chain, or a circle, stops there."""


DESCRIBED = (
    "name IS NOT NULL OR created_at IS NOT NULL OR industry IS NOT NULL OR country IS NOT NULL "
    "OR attributes IS NOT NULL"
)
"""Whether more is known of an account than the id that a subscription or payment named."""


def account_column(column: str, *, alias: str) -> str:
    """SQL for a column of `accounts`, declared or kept as an attribute, as text."""
    if any(declared.name == column for declared in ACCOUNTS.columns):
        return f'CAST({alias}."{column}" AS VARCHAR)'
    if any(declared == column for declared, _ in ACCOUNTS.stored):
        return f'CAST({alias}."{column}" AS VARCHAR)'
    return json_text(f"{alias}.attributes", column)


def matches(column: str, pattern: str) -> str:
    """SQL over `accounts a`: whether a rule of [company] exclude leaves the account out."""
    text = quoted(pattern.lower())
    own = f"strpos(lower(coalesce({account_column(column, alias='a')}, '')), {text}) > 0"
    if column == "email":
        # Accounts rarely carry an address; their users do.
        own += (
            " OR EXISTS (SELECT 1 FROM users u WHERE u.account_id = a.account_id "
            f"AND strpos(lower(coalesce(u.email, '')), {text}) > 0)"
        )
    return f"({own})"


def unknown_fields(config: Config, attributes: Iterable[str]) -> tuple[ConfigError, ...]:
    """An error for each field of [company] exclude that no account can have.

    Parameters
    ----------
    attributes : iterable of str
        What is loaded of accounts beside the declared columns.
    """
    columns = [*(name for name, _ in ACCOUNTS.stored), "email", *attributes]
    return tuple(
        ConfigError(
            f"{FILE_NAME}: [company] exclude names the field '{column}', which no account "
            f"has.{near(column, columns)}",
            hint=f"Known here: {', '.join(dict.fromkeys(columns))}",
            key="exclude",
            is_misspelt=bool(near(column, columns)),
        )
        for column, _ in config.company.exclusions
        if column not in columns
    )


def check_fields(config: Config, engine: AnyEngine, attributes: Iterable[str]) -> None:
    """An exclusion by an unknown field excludes nobody, and would count whom it means to leave out.

    A name that is near no known one may be an attribute that no account has a value for yet, in
    this load or after one is taken back: `doctor` says so, and no refresh stops over it.

    Raises
    ------
    ConfigError
        For a name that is near a known one, once any account has more than its id.
    """
    wrong = [one for one in unknown_fields(config, attributes) if one.fields["is_misspelt"]]
    if wrong and engine.value(f"SELECT COUNT(*) FROM accounts WHERE {DESCRIBED}"):
        raise wrong[0]


def inputs(config: Config) -> tuple[str, ...]:
    """The tables that account_roots depends on under this configuration."""
    columns = [column for column, _ in config.company.exclusions]
    merges = account_merges.NAME
    return ("accounts", "users", merges) if "email" in columns else ("accounts", merges)


def _statement(config: Config) -> str:
    rules = " OR ".join(matches(*rule) for rule in config.company.exclusions) or "1 = 0"
    # Most accounts have no parent, and where none has one all of this is empty.
    steps = ["own AS (SELECT account_id, parent_id FROM accounts WHERE parent_id IS NOT NULL)"]
    previous = "own"
    for level in range(1, LEVELS + 1):
        # Pointer jumping: each step lets the parent point to its own parent.
        steps.append(
            f"up{level} AS (SELECT c.account_id, CASE WHEN p.parent_id IS NULL "
            f"OR p.parent_id = c.account_id THEN c.parent_id ELSE p.parent_id END AS parent_id "
            f"FROM {previous} c LEFT JOIN own p ON p.account_id = c.parent_id)"
        )
        previous = f"up{level}"
    return f"""
WITH {", ".join(steps)},
matched AS (SELECT a.account_id, ({rules}) AS is_matched FROM accounts a),
placed AS (
    SELECT u.account_id, u.parent_id, m.is_matched
    FROM {previous} u
    JOIN matched m ON m.account_id = u.parent_id
),
billed AS (
    SELECT account_id, account_id AS into_id FROM accounts
    UNION ALL SELECT account_id, into_id FROM account_merges
)
SELECT b.account_id, coalesce(p.parent_id, m.account_id) AS root_id,
       m.is_matched OR coalesce(p.is_matched, FALSE) AS is_excluded
FROM billed b
JOIN matched m ON m.account_id = b.into_id
LEFT JOIN placed p ON p.account_id = m.account_id
"""


ACCOUNT_ROOTS = Derived(
    name="account_roots",
    about=N_(
        "The customer that each billing account belongs to, and whether it is left out. An account "
        "that was merged belongs to the customer of the account that it counts for."
    ),
    grain=N_("one account"),
    columns=(("account_id", "VARCHAR"), ("root_id", "VARCHAR"), ("is_excluded", "BOOLEAN")),
    reads=("accounts", "users", "account_merges"),
    statement=_statement,
)
