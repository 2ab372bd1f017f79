"""What customers write, and the codebook that tells it: the page at /feedback."""

from __future__ import annotations

from collections.abc import Mapping

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.shapes import fields_of, tables_of
from staycurve.insights.voice.comments import (
    CodebookAnswer,
    Comments,
    codebook,
    comments,
    suggestions,
)
from staycurve.insights.voice.texts import SOURCES
from staycurve.insights.voice.themes import ThemeRow, Themes, themes
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import opened_at, sentences, table_of
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import choice_of, chooser, chosen_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    gap_of,
    money,
    share_of,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.metrics.base import Unit

LISTED = 30
"""Comments that the panel lists; the twin and the command have more."""
_ALL = "all"
_FIELDS = ("do", "theme", "name", "into", "language", "words", "comment", "by")
_DONE = {"changed": N_("The codebook was changed.")}


def _source(ask: Ask) -> str | None:
    chosen = chosen_of(ask, "source", {_ALL: "", **SOURCES}, _ALL)
    return None if chosen == _ALL else chosen


def _found(ask: Ask) -> Themes:
    return answer_of(ask, themes, source=_source(ask))


def _themes(ask: Ask) -> Shown:
    found = _found(ask)
    rows = [row.as_dict() for row in found.rows]
    if not found.rows:
        return shown(rows, Reading(why=told(found.why)), {"version": found.version})
    heads = [
        Head(_("Theme")), Head(_("Texts")), Head(_("Share")),
        Head(_("Trend"), _("Share of the last 90 days less that of the 90 days before.")),
        Head(_("Mean score"), _("Of answers with a score, from the worst to the best.")),
        Head(_("MRR"), _("Of the accounts that said it, as they pay now.")),
        Head(_("Renews in 90 days")),
        Head(_("Churn after it"), _("Within 90 days of saying it, of accounts that paid then.")),
        Head(_("Others"), _("The same of accounts that wrote, but not this.")),
    ]
    lines = [_line(ask, row, found) for row in found.rows]
    quotes = [
        Line(words(_(row.name)), [words(f"“{quote.text}”")])
        for row in found.rows if row.theme for quote in row.quotes
    ]
    tables = [Table(_("Themes"), heads, lines)]
    if quotes:
        tables.append(Table(
            _("Typical quotes"), [Head(_("Theme")), Head(_("Quote"), is_text=True)], quotes,
            is_folded=True, title=_("Typical quotes"),
        ))
    notes = [_("Personal data in quotes is masked."),
             _("Counted by version %s of the codebook.") % found.version]
    return shown(
        rows, Reading(said=sentences(found), tables=tables, notes=notes),
        {"version": found.version, "comments": found.comments, "unassigned": found.unassigned},
    )


def _line(ask: Ask, row: ThemeRow, found: Themes) -> Line:
    opens = next(one.col.opens for one in fields_of(ThemeRow) if one.col and one.col.opens)
    score = numbers.UNKNOWN if row.mean_score is None else numbers.compact(
        row.mean_score, Unit.PERCENT)
    return Line(words(_(row.name)), [
        count(row.comments, opened_at(ask, opens, row, found)),
        Cell(numbers.compact(row.share, Unit.PERCENT)),
        gap_of(row.trend, row.trend_low, row.trend_high,
               is_named=row.is_moving),
        Cell(score, about=told(row.score_why)),
        money(ask, row.mrr), money(ask, row.renewing_mrr),
        share_of(row.churn_rate, row.churn_low, row.churn_high, why=row.churn_why,
                 is_drawn=False, is_named=row.is_significant),
        Cell(numbers.compact(row.rest_churn_rate, Unit.PERCENT), about=told(row.churn_why)),
    ])


def _comments(ask: Ask) -> Shown:
    theme = ask.options.get("theme")
    found: Comments = answer_of(
        ask, comments, theme=theme or None, source=_source(ask), text=ask.options.get("text"),
        limit=LISTED,
    )
    of = next(one for one in tables_of(Comments) if one.field.attribute == "rows")
    tables = [table_of(ask, of, found)] if found.rows else []
    return shown(
        [row.as_dict() for row in found.rows],
        Reading(said=sentences(found), tables=tables, why=told(found.why)),
        {"more": found.more, "version": found.version},
    )


def _suggestions(ask: Ask) -> Shown:
    found = answer_of(ask, suggestions)
    book = ask.company.voice.codebook()
    names = {one.id: one.name for one in book.themes}
    lines = [
        {"row": row, "near": _(names.get(row.near or "", "")), "words": ", ".join(row.stems)}
        for row in found.rows
    ]
    return Shown([row.as_dict() for row in found.rows], {
        "lines": lines, "why": told(found.why), "version": book.version, "fault": ask.fault,
        "themes": [(one.id, _(one.name)) for one in book.themes],
    }, {"unassigned": found.unassigned})


def _codebook(ask: Ask) -> Shown:
    found: CodebookAnswer = answer_of(ask, codebook)
    done = ask.options.get("done", "")
    return Shown([row.as_dict() for row in found.rows], {
        "rows": found.rows, "changes": found.changes[:20], "version": found.version,
        "pinned": found.pinned, "done": _(_DONE[done]) if done in _DONE else "",
        "fault": ask.fault,
        "typed": {name: ask.form.get(name, "") if ask.fault else "" for name in _FIELDS},
        "themes": [(one.theme, _(one.name)) for one in found.rows],
    }, {"version": found.version})


def act(ask: Ask) -> str:
    """Change the codebook as the form says; where to go then."""
    form, voice = ask.form, ask.company.voice
    asked, seen, by = form.get("do", ""), number_of(form.get("seen", "")), form.get("by", "")
    theme, name = form.get("theme", ""), form.get("name", "")
    if asked == "accept":
        stems = voice.suggested_stems(number_of(form.get("number", "")))
        if theme:
            voice.extend(theme, stems, seen=seen, by=by)
        else:
            voice.accept(name, stems, seen=seen, by=by)
    elif asked == "add":
        voice.accept(name, _stems(form), seen=seen, by=by)
    elif asked == "extend":
        voice.extend(theme, _stems(form), seen=seen, by=by)
    elif asked == "rename":
        voice.rename(theme, name, seen=seen, by=by)
    elif asked == "merge":
        voice.merge(theme, form.get("into", ""), seen=seen, by=by)
    elif asked == "split":
        voice.split(theme, name, _stems(form), seen=seen, by=by)
    elif asked == "drop":
        voice.drop(theme, seen=seen, by=by)
    elif asked == "pin":
        voice.pin(form.get("comment", ""), theme, seen=seen, by=by)
    else:
        raise UsageError("The form asks for nothing.", hint="Send it from the page.")
    return "/feedback?done=changed#codebook"


def _stems(form: Mapping[str, str]) -> dict[str, list[str]]:
    texts = [one.strip() for one in form.get("words", "").split(",") if one.strip()]
    return {form.get("language", ""): texts}


FEEDBACK = Page(
    address="/feedback",
    place=90,
    title=N_("Feedback"),
    question=N_("What do customers speak of, and what stands behind it?"),
    panels=(
        chooser(
            lambda ask: choice_of(
                ask, "source", _("Source"), {_ALL: N_("All"), **SOURCES}, _ALL),
            relation="nps_answers",
        ),
        Panel("themes", N_("Themes"), N_("What comes up, and do those who say it leave?"),
              "reading.html", _themes),
        Panel("comments", N_("Comments"), N_("What did they write?"), "reading.html", _comments),
        Panel("suggestions", N_("Suggested themes"), N_("What does the codebook not know yet?"),
              "suggestions.html", _suggestions, is_late=True),
        Panel("codebook", N_("Codebook"), N_("By which words are themes told?"), "codebook.html",
              _codebook),
    ),
    has_controls=False,
    needs=(),
    group=Group.BEHAVIOUR,
    options=("source", "theme", "text", "done"),
    takes_forms=True,
    act=act,
)
