"""Keeping: a mapping in a file, and in the project, where it is found again by its headers."""

from __future__ import annotations

import re
from pathlib import Path

from staycurve.errors import LoadError, system_error
from staycurve.sources.exports import KEPT
from staycurve.sources.mapping import parse_mapping


def keep(project: Path, path: Path, text: str) -> tuple[Path, Path]:
    """Write a mapping to `path`, and to the project's folder `mappings` under the same name.

    Raises
    ------
    LoadError, LakeError
        If it is no mapping, its name cannot be one, or a file cannot be written.
    """
    name = path.name.removesuffix(".toml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}", name):
        raise LoadError(
            f"'{name}' cannot be the name of a mapping.",
            hint="Letters, digits, blanks, dots, - and _, such as billing.toml.",
        )
    parse_mapping(text, path.name)
    own = project / KEPT / f"{name}.toml"
    target = path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")
    try:
        own.parent.mkdir(exist_ok=True)
        own.write_text(text, encoding="utf-8")
        if target.resolve() != own.resolve():
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise system_error(error) or LoadError(
            f"{target} cannot be written: {error.strerror or error}.", hint="Choose another place."
        ) from error
    return target, own
