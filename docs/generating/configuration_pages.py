"""The pages of staycurve.toml: conventions, and every other section."""

from __future__ import annotations

import typing

from docs.generating.markdown import code, made, table
from staycurve.conventions import PROFILES, SWITCHES
from staycurve.end_reasons import INVOLUNTARY, VOLUNTARY
from staycurve.sections import SECTIONS, fields_of, takes_of


def conventions_page() -> str:
    """Every switch of [conventions], the profiles, and the other sections of staycurve.toml."""
    values = {
        name: code(tuple(s.values)) + (" …" if s.accepts else "") for name, s in SWITCHES.items()
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
    parts += ["## End reasons", "`[end_reasons]` sorts the texts of `end_reason` into churn types. "
              "Letter case does not matter. A text in neither list is *unknown*. A list in "
              "staycurve.toml replaces the default of the same name.",
              table(["churn type", "default texts"], [["`voluntary`", ", ".join(VOLUNTARY)],
                                                 ["`involuntary`", ", ".join(INVOLUNTARY)]])]
    return made("Conventions", *parts)


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
    return made("Configuration", *parts)
