"""Write docs/reference from what the program itself knows; `make docs` runs it.

The glossary is written by hand. Everything else in docs/reference is made here.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

import staycurve.workspace  # noqa: F401 - it adds the dimensions of the upper floors
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.end_reasons import INVOLUNTARY, VOLUNTARY
from staycurve.insights.base import Insight
from staycurve.insights.catalogue import INSIGHTS, THEMES
from staycurve.insights.describe import described
from staycurve.interfaces.api.app import declared
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.asking import help_of
from staycurve.interfaces.cli.options import option_of
from staycurve.metrics.base import STAGES, Choice, Formula, Metric, Operation
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.describe import dims_of, tables_of
from staycurve.metrics.dimensions import COHORT, ITEM_TRAITS, MOVING
from staycurve.sections import SECTIONS, fields_of, takes_of
from staycurve.sources.base import SOURCES, Source
from staycurve.sources.mapping import Feed
from staycurve.tables.base import Column, Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.views import DERIVED, USAGE

REFERENCE = Path(__file__).parent / "reference"
BY_HAND = ("glossary.md",)

DIRECTIONS = {"higher": "higher is better", "lower": "lower is better"}

LEDGER = "../../explanation/ledger.md"
RATES = ("customer_churn_rate", "customer_retention_rate", "nrr", "grr", "gross_revenue_churn",
         "net_revenue_churn", "upgrade_rate")
DECISIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    # Where the published definitions are silent, ledger.md says what was decided:
    # anchor → its title, and the metrics whose pages point there.
    "rates-look-at-the-openers": ("Rates look at the openers", RATES),
    "rates-in-a-segment": ("Rates in a segment", RATES),
    "the-base-with-newcomers": ("The base with newcomers", ("customer_churn_rate", "clv_simple")),
    "why-an-account-left": (
        "Why an account left",
        ("voluntary_churned_mrr", "involuntary_churned_mrr", "paused_churned_mrr",
         "unknown_churned_mrr", "churned_mrr"),
    ),
    "past-due-runs-and-grace": ("Past-due runs and grace", ("involuntary_churned_mrr", "mrr")),
    "free-plans": ("Free plans", ("customers", "churned_customers", "churned_mrr")),
    "requests-to-cancel": ("Requests to cancel", ("committed_mrr", "churned_mrr")),
    "long-terms": ("Long terms", ("contracted_arr",)),
    "exchange-rates": ("Exchange rates", ("fx_impact", "mrr")),
    "moves-between-segments": (
        "Moves between segments", ("entering_mrr", "leaving_mrr", "expansion_mrr"),
    ),
    "what-nets": ("What nets", ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr",
                                "reactivation_mrr", "new_customers", "churned_customers")),
    "a-ratio-of-ratios": ("A ratio of ratios", ("clv_simple", "cac_payback")),
    "first-contact": ("First contact", ("fcr",)),
    "other-scales": ("Other scales", ("csat",)),
    "zero-or-unknown": ("Zero or unknown", ("visits", "social_engagements", "mentions",
                        "lead_rate", "cac", "cac_payback", "crc", "gross_margin",
                        "acquisition_retention_ratio")),
    "open-periods": ("Open periods", ("arpa", "mrr", "customers")),
}

def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _made(title: str, *parts: str) -> str:
    note = "<!-- Made by docs/generate.py; change the program, then run: make docs -->"
    return "\n\n".join([f"# {title}", note, *(part for part in parts if part)]) + "\n"


def choices_of(formula: Formula) -> Iterator[Choice]:
    """Every choice in a formula; metrics inside it keep theirs to their own pages."""
    if isinstance(formula, Choice):
        yield formula
    elif isinstance(formula, Operation):
        yield from choices_of(formula.left)
        yield from choices_of(formula.right)



def chosen(formula: Formula, value: str) -> Formula:
    """The formula in which every choice is decided for `value`."""
    if isinstance(formula, Choice):
        return formula.options[value]
    if isinstance(formula, Operation):
        return Operation(formula.sign, chosen(formula.left, value), chosen(formula.right, value))
    return formula


def _formula_part(metric: Metric) -> str:
    choices = list(choices_of(metric.formula))
    if not choices:
        return f"```text\n{metric.formula.text()}\n```"
    switch = choices[0].switch
    default = SWITCHES[switch].default
    rows = [
        [f"`{value}`" + (" (default)" if value == default else ""),
         chosen(metric.formula, value).text()]
        for value in choices[0].options
    ]
    link = f"[`{switch}`](../conventions.md#{switch})"
    return f"The switch {link} decides:\n\n" + table([switch, "formula"], rows)


def _metrics_in(formula: Formula) -> Iterator[Metric]:
    if isinstance(formula, Metric):
        yield formula
    elif isinstance(formula, Operation):
        yield from _metrics_in(formula.left)
        yield from _metrics_in(formula.right)
    elif isinstance(formula, Choice):
        for option in formula.options.values():
            yield from _metrics_in(option)


def _example_part(name: str, metric: Metric) -> str:
    parts = ["## Worked example"]
    if metric.example.conventions:
        switches = ", ".join(f"`{k} = {v}`" for k, v in metric.example.conventions.items())
        parts.append(f"With {switches}.")
    for source, rows in metric.example.rows.items():
        lines = [line.split() for line in rows.strip().splitlines()]
        # In examples `-` stands for empty and `_` for a blank.
        cells = [
            ["" if cell == "-" else cell.replace("_", " ") for cell in line] for line in lines[1:]
        ]
        parts += [f"`{source}`", table(lines[0], cells)]
    seen = f" as of {metric.example.as_of}" if metric.example.as_of else ""
    answers = [
        [period, "empty" if value is None else _plain(value)]
        for period, value in metric.example.answer.items()
    ]
    parts += [f"Then, by {metric.example.grain}{seen}:", table(["period", name], answers)]
    parts.append("The test suite computes this example.")
    return "\n\n".join(parts)


def _plain(value: float) -> str:
    """Six decimals at most: money is kept to a millionth."""
    shown = f"{value:,.6f}"
    return shown.rstrip("0").rstrip(".")


def _facts(name: str, metric: Metric) -> str:
    dims = dims_of(metric)
    cut = _code(dims) or "nothing"
    if "industry" in dims:
        cut += ", and any attribute of the accounts"
    rows = [
        ["name", f"`{name}`"],
        ["unit", f"{metric.unit.value}; "
                 f"{DIRECTIONS.get(metric.better, 'neither direction is better by itself')}"],
        ["lifecycle stage", metric.stage],
        ["known by", ", ".join(metric.grains)],
        ["open period", "shown to date, and marked" if metric.is_to_date else "empty"],
        ["stands on", ", ".join(f"[`{t}`](../tables.md#{t})" for t in tables_of(metric))],
        ["cut by", cut],
    ]
    if metric.benchmark:
        at_least = metric.benchmark.at_least is not None
        bound = f"at least {metric.benchmark.at_least:g}" if at_least else (
            f"at most {metric.benchmark.at_most:g}"
        )
        rows.append(["benchmark", f"{bound} ({metric.benchmark.origin})"])
    return table(["", ""], rows)


def metric_page(name: str, metric: Metric) -> str:
    """The reference page of one metric."""
    names = {id(found): key for key, found in METRICS.items()}
    parts = [metric.about, _facts(name, metric), "## Formula", _formula_part(metric)]
    used = dict.fromkeys(names[id(m)] for m in _metrics_in(metric.formula) if id(m) in names)
    if used:
        parts.append("Metrics in it: " + ", ".join(f"[{key}]({key}.md)" for key in used) + ".")
    if "subscriptions" in tables_of(metric):
        parts.append("What counts as MRR follows the [conventions](../conventions.md).")
    if metric.disagreements:
        parts += ["## How others count it", metric.disagreements]
    decided = [
        f"- [{title}]({LEDGER}#{anchor})" for anchor, (title, names_) in DECISIONS.items()
        if name in names_
    ]
    if decided:
        parts += ["## Decided here", "\n".join(decided)]
    parts.append(_example_part(name, metric))
    parts.append(f"The SQL statement: `staycurve metrics {name} --sql`.")
    return _made(metric.label, *parts)


def metrics_index() -> str:
    """The list of every metric, by lifecycle stage."""
    parts = ["Every metric that `staycurve metrics` knows, by the lifecycle stage it indicates."]
    for stage in STAGES:
        rows = [
            [f"[`{name}`]({name}.md)", metric.label, metric.unit.value, metric.about]
            for name, metric in METRICS.items() if metric.stage == stage
        ]
        if rows:
            parts += [f"## {stage.capitalize()}",
                      table(["metric", "label", "unit", "what it is"], rows)]
    parts += ["## Dimensions", _dimensions()]
    return _made("Metrics", *parts)


def _dimensions() -> str:
    rows = [[f"`{trait}`", "A trait of a subscription item."] for trait in ITEM_TRAITS]
    rows += [[f"`{moving.name}`", moving.about] for _, moving in MOVING.items()]
    rows += [
        [f"`{moving.now}`", f"`{moving.name}` as it is on the as-of's day, whichever day a number "
         "speaks of: who is there now, followed back."]
        for _, moving in MOVING.items()
    ]
    rows.append([f"`{COHORT}`", "The month in which the account first paid."])
    return (
        "Numbers about accounts can also be cut by any column or attribute of `accounts`.\n\n"
        + table(["dimension", "what it is"], rows)
    )


def _column_row(column: Column) -> list[str]:
    about = column.about
    if column.choices:
        about += f" One of {_code(column.choices)}."
    if column.spellings:
        about += " Also read: " + ", ".join(f"`{a}` as `{b}`" for a, b in column.spellings) + "."
    if column.default is not None:
        about += f" Default `{column.default}`."
    return [f"`{column.name}`" + ("\\*" if column.is_required else ""), column.kind, about]


def _table_part(found: Table) -> str:
    parts = [f"### {found.name}", found.about,
             f"One row is {found.grain}. Key: {_code(found.key)}."]
    notes = []
    if found.derived_key:
        notes.append(f"Where the file has no `{found.derived_key}`, one is derived from the whole "
                     "row and its occurrence number in the file.")
    if found.extra_column:
        notes.append(f"Any other column is kept, in `{found.extra_column}`.")
    if found.makes_accounts:
        notes.append("A row of an unknown account creates a bare account.")
    elif found.refers_to_account:
        notes.append("A row of an unknown account waits, and joins when the account is loaded.")
    parts += [" ".join(notes),
              table(["column", "kind", "what it holds"], [_column_row(c) for c in found.columns])]
    if found.checks:
        rules = [f"- `{c.column}` {c.rule.replace('{', '`').replace('}', '`')}"
                 for c in found.checks]
        parts += ["A row is set aside when:", "\n".join(rules)]
    return "\n\n".join(part for part in parts if part)


def tables_page() -> str:
    """The conformed and the derived tables."""
    intro = (
        "Every source ends in these tables, and every metric reads only these and what is derived "
        "from them. Columns with * are required. Instants are ISO 8601; a date alone means the "
        "start of that day in the company's time zone. Money is a decimal in major units, with "
        "its `currency` beside it."
    )
    parts = [intro, "## Conformed tables", *(_table_part(found) for found in CONFORMED.values()),
             "## Derived tables",
             "Computed by `staycurve refresh`, account by account. Nobody loads them."]
    for derived in (*DERIVED.values(), *USAGE.values()):
        parts += [
            f"### {derived.name}",
            f"{derived.about} One row is {derived.grain}. Computed from {_code(derived.reads)}.",
            table(["column", "type"], [[f"`{c}`", kind] for c, kind in derived.columns]),
        ]
    return _made("Tables", *parts)


def _parameter_row(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        shown = f"`{parameter.metavar or parameter.name.upper()}`"
        if parameter.required:
            shown += "\\*"
    else:
        metavar = f" {parameter.metavar}" if parameter.metavar else ""
        shown = f"`{'`, `'.join(parameter.opts)}{metavar}`"
        if parameter.required:
            shown += "\\*"
    about = parameter.help or ""
    if parameter.envvar:
        about += f" Environment: `{parameter.envvar}`."
    default = parameter.default
    if default not in (None, False, ""):
        about += f" Default `{getattr(default, 'value', default)}`."
    return [shown, about.strip()]


def commands() -> Mapping[str, Any]:
    """Every command of the program, by name."""
    return _commands_in(typer.main.get_command(app), "")


def _commands_in(group: Any, before: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        is_group = hasattr(command, "list_commands")
        whole = f"{before}{name}"
        found |= _commands_in(command, f"{whole} ") if is_group else {whole: command}
    return found


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _insight_part(insight: Insight[Any, Any]) -> str:
    found = described(insight)
    addresses = [found["address"], *found["aliases"]]
    parts = [f"## {insight.name}", insight.question, insight.about, table(["", ""], [
        ["command", f"`{found['command']}`"], ["address", _code(addresses)],
        ["page", f"`{found['page']}`"], ["Python", f"`{found['python']}`"],
    ])]
    if insight.arguments:
        parts.append(table(["parameter", "option", "what it means"], [
            [f"`{one.outward}`" + ("\\*" if one.is_required else ""), f"`{option_of(one)}`",
             help_of(one)] for one in insight.arguments
        ]))
    parts.append(table(["key", "label", "unit", "what it is"], [
        [f"`{line['key']}`", line["label"], line["unit"], line["about"]]
        for line in found["fields"]
    ]))
    return "\n\n".join(part for part in parts if part)


def _themes() -> dict[str, list[Insight[Any, Any]]]:
    found: dict[str, list[Insight[Any, Any]]] = {}
    for _name, insight in sorted(INSIGHTS.items()):
        word = insight.name.partition(" ")[0]
        # Those of one word that begin no theme are about the books.
        found.setdefault(word if word in THEMES else "books", []).append(insight)
    return found


def insights_index() -> str:
    """The list of every insight, by theme."""
    parts = [
        "Every question that `staycurve insights` lists. Each is one declaration: its parameters "
        "have the same names on the command line (with `-` for `_`), in addresses and in Python, "
        "and its keys are those of JSON everywhere.",
    ]
    for theme, insights in _themes().items():
        parts += [f"## {theme.capitalize()}", THEMES.get(theme, ""), table(
            ["insight", "question"],
            [[f"[`{one.name}`]({theme}.md#{_anchor(one.name)})", one.question]
             for one in insights],
        )]
    return _made("Insights", *parts)


def insights_page(theme: str, insights: Sequence[Insight[Any, Any]]) -> str:
    """The insights of one theme with their parameters and keys."""
    note = ("What is marked with * is required. `rows[].` stands before the keys of each of "
            "several rows, and a name with a dot before those of one object.")
    return _made(theme.capitalize(), THEMES.get(theme, ""), note, *map(_insight_part, insights))


def cli_page() -> str:
    """Every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    parts = [
        "`staycurve [--project DIR] COMMAND …`. What is marked with * is required.",
        table(["for every command", ""], [_parameter_row(p) for p in group.params]),
        "Answers go to standard output, everything else to standard error. With `--format json` "
        "standard output is one object and nothing else.",
        table(["exit status", "means"], [
            ["0", "done; a load of which some rows were set aside is done too"],
            ["1", "an error that you can mend: one line says what, one line says how"],
            ["2", "wrong usage, or a load of which nothing could be loaded"],
        ]),
    ]
    for name, command in commands().items():
        parts += [f"## {name}", (command.help or "").strip()]
        rows = [_parameter_row(p) for p in command.params if p.name != "help"]
        if rows:
            parts.append(table(["argument or option", ""], rows))
    return _made("Command line", *parts)


def conventions_page() -> str:
    """Every switch of [conventions], the profiles, and the other sections of staycurve.toml."""
    values = {
        name: _code(tuple(s.values)) + (" …" if s.accepts else "") for name, s in SWITCHES.items()
    }
    rows = [[f"[`{name}`](#{name})", f"`{s.default}`", values[name], s.about]
            for name, s in SWITCHES.items()]
    parts = [
        "The keys of `[conventions]` in staycurve.toml. All are optional. A key beats the profile, "
        "the profile beats the default. … means that further values of that form are taken. "
        "`staycurve doctor` prints what is in force.",
        table(["switch", "default", "values", "decides"], rows),
    ]
    for name, switch in SWITCHES.items():
        parts += [f"### {name}", f"{switch.about} {switch.more}",
                  f"Default `{switch.default}`; values {values[name]}."]
    parts += ["## Profiles", "`profile = \"…\"` sets several switches at once. What a profile does "
              "not set stays at its default. A profile imitates settings that we know; "
              "[other differences remain](../explanation/conventions-and-other-tools.md)."]
    for name, profile in PROFILES.items():
        parts += [f"### {name}", profile.about]
        if profile.rules:
            parts.append(table(["switch", "value", "source"], [
                [f"[`{switch}`](#{switch})", f"`{rule.value}`", rule.source]
                for switch, rule in profile.rules.items()
            ]))
        if profile.not_imitated:
            parts += ["Not imitated:",
                      table(["rule", "source"], list(profile.not_imitated.items()))]
    parts += ["## End reasons", "`[end_reasons]` sorts the texts of `end_reason` into classes. "
              "Letter case does not matter. A text in neither list is *unknown*. A list in "
              "staycurve.toml replaces the default of the same name.",
              table(["class", "default texts"], [["`voluntary`", ", ".join(VOLUNTARY)],
                                                 ["`involuntary`", ", ".join(INVOLUNTARY)]])]
    return _made("Conventions", *parts)


def configuration_page() -> str:
    """Every section of staycurve.toml with its keys."""
    parts = [
        "What may stand in staycurve.toml; everything is optional. A key that stands above the "
        "first table belongs to no section. An unknown key or a wrong value is an error that "
        "names the section, the key, the value and what it takes. "
        "[Packages can add sections](../explanation/configuration.md).",
    ]
    for name in SECTIONS:
        section = SECTIONS[name]
        parts += [f"## {name}", section.about, f"```toml\n{section.example}\n```"]
        model = next(iter(typing.get_args(section.model)), section.model)
        fields = fields_of(section.model) or fields_of(model)
        rows = [[f"`{key}`", takes.words] for key, kind in fields.items()
                if (takes := takes_of(kind))]
        if rows:
            parts.append(table(["key", "takes"], rows))
    return _made("Configuration", *parts)


def api_page() -> str:
    """Every address of the HTTP interface that answers, with what it takes and gives."""
    document = declared().openapi()
    schemas = document["components"]["schemas"]
    parts = [
        "What `GET` answers under `/api/v1`; [how to use it](../how-to/use-the-api.md). The same "
        "for programs, with what changes something, is at `/api/openapi.json`. A parameter marked "
        "with * is required; a key marked with ? is left out where it is empty.",
    ]
    themes: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        asked = methods["get"]
        # Of what is written by hand the summary is the function's name.
        said = [asked["summary"]] if asked["summary"].endswith(("?", ".")) else []
        part = [f"### {path}", *said, asked.get("description", "")]
        rows = [
            [f"`{one['name']}`" + ("\\*" if one["required"] else ""), _taken(one["schema"]),
             one.get("description", "")]
            for one in asked.get("parameters", [])
        ]
        if rows:
            part.append(table(["parameter", "takes", ""], rows))
        answer = asked["responses"]["200"]["content"]["application/json"]["schema"]
        part.append(table(["key", "holds", ""], list(_keys(answer, schemas))))
        themes.setdefault(asked["tags"][0], []).append("\n\n".join(filter(None, part)))
    for theme, found in themes.items():
        parts += [f"## {theme.capitalize()}", *found]
    return _made("HTTP interface", *parts)


def _kinds(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas of which a value fits one."""
    if "anyOf" not in schema:
        return [schema]
    return [kind for one in schema["anyOf"] for kind in _kinds(one)]


def _taken(schema: Mapping[str, Any]) -> str:
    words = []
    for one in _kinds(schema):
        if "enum" in one:
            words.append(_code(one["enum"]))
        elif "items" in one:
            words.append(f"list of {_taken(one['items'])}")
        elif "$ref" in one:
            words.append("object")
        elif isinstance(one.get("additionalProperties"), dict):
            words.append(f"key → {_taken(one['additionalProperties'])}")
        else:
            words.append({"string": "text", "null": "null", "boolean": "true or false",
                          "integer": "whole number"}.get(one.get("type", ""), one.get("type", "")))
            words[-1] = "day" if one.get("format") == "date" else words[-1]
    return " or ".join(dict.fromkeys(words))


def _keys(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], before: str = "", above: str = ""
) -> Iterator[list[str]]:
    """Rows of every key of an answer; those of an object inside follow the key that holds it."""
    for one in _kinds(schema):
        if "items" in one:
            yield from _keys(one["items"], schemas, before, above)
        name = one.get("$ref", "").rpartition("/")[2]
        if not name or name in above.split():
            continue
        required = schemas[name].get("required", [])
        for key, own in schemas[name].get("properties", {}).items():
            shown = f"`{before}{key}`" + ("" if key in required else "?")
            yield [shown, _taken(own), own.get("description", "")]
            yield from _keys(own, schemas, f"{before}{key}.", f"{above} {name}")


def _source_part(source: Source[Any]) -> str:
    keys = [["`kind`", f"`{source.name}`"]]
    keys += [
        [f"`{key}`", takes.words if (takes := takes_of(kind)) else ""]
        for key, kind in fields_of(source.settings).items()
    ]
    streams = [
        [f"`{stream.name}`", stream.about,
         ", ".join(f"[{name}](tables.md#{name})" for name in stream.tables) or "each file's",
         _code(stream.key), stream.cursor]
        for stream in source.streams
    ]
    return "\n\n".join([
        f"## {source.name}", f"{source.title}. {source.about}", f"```toml\n{source.example}\n```",
        table(["key", "takes"], keys),
        table(["stream", "what it is", "fills", "key", "goes on from"], streams),
        *(_feed_part(stream.name, feed) for stream in source.streams for feed in stream.feeds),
    ])


def _feed_part(stream: str, feed: Feed) -> str:
    rows = [[f"`{theirs}`", _code(ours)] for theirs, ours in feed.columns.items() if ours]
    about = f"How a row of `{stream}` becomes one of `{feed.table}`:"
    return about + "\n\n" + table(["field", "column"], rows)


def sources_page() -> str:
    """Every kind of source with its keys, its streams and their fields."""
    intro = (
        "Outside systems whose rows `staycurve sync` brings in, each as a section "
        "`[sources.NAME]` of staycurve.toml. `staycurve sources` lists how far each has come. "
        "[Packages can add kinds](../how-to/extend.md)."
    )
    return _made("Sources", intro, *(_source_part(source) for _, source in SOURCES.items()))


def pages() -> dict[Path, str]:
    """Path → text of every generated page."""
    found = {
        REFERENCE / "metrics" / "index.md": metrics_index(),
        REFERENCE / "tables.md": tables_page(),
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "api.md": api_page(),
        REFERENCE / "conventions.md": conventions_page(),
        REFERENCE / "configuration.md": configuration_page(),
        REFERENCE / "sources.md": sources_page(),
    }
    found[REFERENCE / "insights" / "index.md"] = insights_index()
    for theme, insights in _themes().items():
        found[REFERENCE / "insights" / f"{theme}.md"] = insights_page(theme, insights)
    for name, metric in METRICS.items():
        found[REFERENCE / "metrics" / f"{name}.md"] = metric_page(name, metric)
    return found


def stray() -> list[Path]:
    """Pages in docs/reference that nothing makes and nobody wrote by hand."""
    known = {*pages(), *(REFERENCE / name for name in BY_HAND)}
    return [path for path in sorted(REFERENCE.rglob("*.md")) if path not in known]


def main() -> None:
    """Write the pages, and remove those of what is no longer there."""
    for path in stray():
        path.unlink()
    made = pages()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"Wrote {len(made)} pages to {REFERENCE}\n")


if __name__ == "__main__":
    main()
