"""The one family of errors: each says what is wrong, where, and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StaycurveError(Exception):
    """An error that the user can mend.

    Parameters
    ----------
    message : str
        One line: what is wrong, and where.
    hint : str
        One line: what to do next.
    **fields
        The parts of the message, for programs.

    Attributes
    ----------
    code : str
        A stable name, as the HTTP interface prints it.
    exit_status : int
        1 when the answer is an error that the user can mend, 2 for wrong usage.
    """

    code = "error"
    exit_status = 1

    def __init__(self, message: str, *, hint: str = "", **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields = fields


class UsageError(StaycurveError):
    """The command or argument itself is wrong."""

    code = "wrong_usage"
    exit_status = 2


class UnknownNameError(UsageError):
    """A name that is not in its list, with the nearest that is."""

    code = "unknown_name"
    exit_status = 1

    def __init__(
        self, kind: str, name: str, known: Iterable[str], *, hint: str = "", code: str = ""
    ) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        message = f"Unknown {kind} '{name}'."
        if near:
            message += f" Did you mean '{near[0]}'?"
        super().__init__(message, hint=hint or f"Known: {', '.join(names)}", kind=kind, name=name)
        self.code = code or f"unknown_{kind.replace(' ', '_')}"
        self.suggestion = near[0] if near else None


class ConfigError(StaycurveError):
    """staycurve.toml says something that cannot be followed."""

    code = "bad_config"


class ProjectError(StaycurveError):
    """The directory is not a project, or not one that this version can read."""

    code = "no_project"


class LakeError(StaycurveError):
    """The lake cannot be read or written."""

    code = "lake"


class EngineError(StaycurveError):
    """The engine that was chosen cannot be had, or stopped in the middle of its work."""

    code = "engine"


class BusyError(LakeError):
    """Another process is writing."""

    code = "busy"


class TooSlowError(StaycurveError):
    """A question took longer than its time limit."""

    code = "too_slow"


class LoadError(StaycurveError):
    """A file of which nothing could be loaded."""

    code = "load"
    exit_status = 2


class NotAnsweredError(StaycurveError):
    """A question that has no answer as it was asked."""

    code = "not_answered"
