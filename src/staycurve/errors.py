"""The one family of errors: each says what is wrong, where, and the next step."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence


class StaycurveError(Exception):
    """An error that the user can fix.

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
        1 when the answer is an error that the user can fix, 2 for wrong usage.
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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, if any is near."""
    near = _nearest(name, list(known))
    return f" Did you mean '{near}'?" if near else ""


def _nearest(name: str, known: list[str]) -> str | None:
    # Only a mistake needs it, and every command would wait for the import.
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, known, n=1, cutoff=0.5)), None)


class UnknownNameError(UsageError):
    """A name that is not in its list, with the nearest that is."""

    code = "unknown_name"
    exit_status = 1

    def __init__(
        self, kind: str, name: str, known: Iterable[str], *, hint: str = "", code: str = ""
    ) -> None:
        names = sorted(set(known))
        near = _nearest(name, names)
        message = f"Unknown {kind} '{name}'."
        if near:
            message += f" Did you mean '{near}'?"
        super().__init__(message, hint=hint or f"Known: {', '.join(names)}", kind=kind, name=name)
        self.code = code or f"unknown_{kind.replace(' ', '_')}"
        self.suggestion = near


MOST_NAMED = 20
"""Known values that a hint names; the others are counted."""


class UnknownValueError(UsageError):
    """A value that nothing has in its dimension, with the nearest that something has.

    Parameters
    ----------
    known : sequence of str
        In the order in which they are named.
    also : str, optional
        The known value that is another name of the unknown one.
    """

    code = "unknown_value"
    exit_status = 1

    def __init__(
        self, dimension: str, value: str, known: Sequence[str], *, also: str | None = None
    ) -> None:
        near = f" Did you mean '{also}'?" if also else did_you_mean(value, known)
        named = ", ".join(known[:MOST_NAMED])
        more = len(known) - MOST_NAMED
        super().__init__(
            f"Unknown value '{value}' of {dimension}.{near}",
            hint=f"Known: {named}" + (f", and {more:,} more" if more > 0 else ""),
            dimension=dimension,
            value=value,
        )


class NoAccountError(UnknownNameError):
    """An account that is asked for itself, by an id that none has."""


class ConfigError(StaycurveError):
    """staycurve.toml says something that cannot be followed."""

    code = "bad_config"


class PackageError(StaycurveError):
    """An installed package that adds to staycurve and does not fit."""

    code = "bad_package"


class ProjectError(StaycurveError):
    """The directory is not a project, or not one that this version can read."""

    code = "no_project"


class LakeError(StaycurveError):
    """The lake cannot be read or written."""

    code = "lake"


class MemoryLimitError(LakeError):
    """A statement needs more memory than staycurve may use."""

    code = "memory"


class DamagedError(LakeError):
    """A file of the lake is gone, or is not what was written.

    Attributes
    ----------
    table : str
        The table that it belongs to.
    """

    code = "damaged"

    def __init__(self, table: str, place: str, reason: str) -> None:
        super().__init__(
            f"Table {table} is damaged: {place} {reason}.",
            hint="See what can be saved: staycurve recover   (or restore that file from a backup)",
            table=table,
            place=place,
        )
        self.table = table


class EngineError(StaycurveError):
    """The engine that was chosen cannot be had, or stopped in the middle of its work."""

    code = "engine"


class StateError(StaycurveError):
    """The database of app state cannot be read or changed; no number depends on it."""

    code = "state"


class NotSignedInError(StaycurveError):
    """Somebody has to log in first."""

    code = "not_signed_in"


class NotPermittedError(StaycurveError):
    """Something that the role of whoever asks does not allow."""

    code = "not_permitted"


class BusyError(LakeError):
    """Another process is writing."""

    code = "busy"


class TooSlowError(StaycurveError):
    """A question took longer than its time limit."""

    code = "too_slow"


class ClientGoneError(StaycurveError):
    """Who asked has gone away, and nobody else waits for the answer."""

    code = "client_gone"


class LoadError(StaycurveError):
    """A file of which nothing could be loaded.

    Attributes
    ----------
    details : tuple of str
        What is wrong with its rows, and what would fix how many: a line each, below the hint.
    """

    code = "load"
    exit_status = 2

    @property
    def details(self) -> tuple[str, ...]:
        """Lines that follow the hint."""
        found = self.fields.get("details", ())
        return found if isinstance(found, tuple) else ()


class SourceError(StaycurveError):
    """An outside system, or what was installed to read it, did not answer as it should."""

    code = "source"


class NotAnsweredError(StaycurveError):
    """A question that has no answer as it was asked."""

    code = "not_answered"


_UNUSABLE = {
    errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP,
    errno.EIO, errno.EMFILE, errno.ENFILE,
}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def system_error(error: Exception) -> StaycurveError | None:
    """What the operating system refused, in words; None when it is something else.

    A library in another language gives the number of the error in its text alone.
    """
    number = error.errno if isinstance(error, OSError) else None
    told = _OS_ERROR.search(str(error))
    if number is None and told:
        number = int(told[1])
    text = str(error)
    if number is None:
        known = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
        number = next((n for n in known if os.strerror(n).lower() in text.lower()), None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return LakeError(
            "The disk is full. Nothing was changed.", hint="Free some space and run it again."
        )
    if number not in _UNUSABLE:
        return None
    named = getattr(error, "filename", None) or _path_in(text) or "A file of the project"
    return LakeError(
        f"{named} cannot be used: {os.strerror(number).lower()}. Nothing was changed.",
        hint="May this user read and write there? Questions alone need no writing.",
    )


def _path_in(text: str) -> str:
    found = re.search(r"[\"']?(/[^\"':\n]+)", text)
    return found[1].strip() if found else ""
