"""A forgetting that is killed at any step is ended later, and nothing is left of anybody."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import ProjectError
from staycurve.state import personal
from staycurve.state.personal_models import ForgottenRow
from staycurve.tables.folder_store import Folder
from staycurve.tables.person import rewriting, tombstones
from staycurve.tables.pointer import Pointer
from staycurve.workspace import Company, forgetting
from staycurve.workspace.forgetting import BEGUN
from tests.company import NOW
from tests.person.test_forgetting import ID, MAIL, figures, holding


class KilledError(BaseException):
    """The process ends here; nothing that handles errors may handle it."""


def killing(call: Any, *, after: int, is_done: bool) -> Callable[..., Any]:
    """`call`, which kills at its call number `after`, with its work done or not."""
    count = 0

    def killed(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        # Looking is no step.
        if kwargs.get("is_kept"):
            return call(*args, **kwargs)
        count += 1
        if count != after + 1:
            return call(*args, **kwargs)
        if is_done:
            call(*args, **kwargs)
        raise KilledError

    return killed


STEPS: list[tuple[Any, str, int, bool]] = [
    # place, name, which call, whether its work is done
    (forgetting.Begun, "keep", 0, True),
    (tombstones, "write", 0, True),
    (Folder, "put", 0, True),
    (rewriting, "_put", 1, False),
    (Pointer, "move", 0, True),
    (personal, "clean", 0, False),
    (personal, "note", 0, True),
    (forgetting.Forgetting, "_noted", 0, True),
    (forgetting, "database", 0, True),
]


@pytest.mark.parametrize(
    ("place", "name", "after", "is_done"), STEPS,
    ids=[f"{name}-{after}-{'after' if is_done else 'before'}" for _, name, after, is_done in STEPS],
)
def test_whatever_was_cut_off_is_taken_up(
    kept: Path, tmp_path: Path, place: Any, name: str, after: int,
    is_done: bool,
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(kept, folder)
    company = Company(folder, clock=lambda: NOW)
    # Closed months and what was known before are read out of files that were half in place.
    before = figures(company) if place in (Folder, rewriting) else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, killing(getattr(place, name), after=after, is_done=is_done))
        with pytest.raises(KilledError):
            company.personal.forget(ID)
    company.close()
    with Company(folder, clock=lambda: NOW) as again:
        # Some are taken up by the next start, others by asking again.
        ended = again.personal.take_up() if is_done else again.personal.forget(ID)
        assert ended is not None
        assert ended.is_new
        assert holding(folder) == []
        assert not (folder / BEGUN).exists()
        if before is not None:
            assert figures(again) == before
        assert again.personal.take_up() is None
        assert not again.personal.forget(MAIL).is_new
        with again.state.database.reading() as session:
            (row,) = session.query(ForgottenRow).all()
            assert row.key == ended.key
            assert row.counts["tables"]["users"] >= 2
            assert "annotations" in row.counts["state"]


def test_who_is_asked_for_next_does_not_take_the_place_of_who_was_begun(
    kept: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(kept, folder)
    with Company(folder, clock=lambda: NOW) as company:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tombstones, "write", killing(tombstones.write, after=0, is_done=False))
            with pytest.raises(KilledError):
                company.personal.forget(ID)
        assert holding(folder)
        assert company.personal.forget("u3").is_new
        assert holding(folder) == []


def test_what_is_kept_of_a_cut_off_one_is_read_or_said(
    kept: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(kept, folder)
    with Company(folder, clock=lambda: NOW) as company:
        for text in ("", "{", "[]", json.dumps({"key": "x"})):
            (folder / BEGUN).write_text(text)
            with pytest.raises(ProjectError, match="cut off cannot go on"):
                company.personal.forget(ID)
        assert holding(folder)
