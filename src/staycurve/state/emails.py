"""E-mail addresses of people who log in, in any script: as they are shown, and as compared."""

from __future__ import annotations

import re
import unicodedata

from staycurve.errors import UsageError
from staycurve.state.cleaning import line
from staycurve.state.people_models import EMAIL

_HINT = "Write it as: ana@example.com"
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")


def address(text: str) -> str:
    """The address as it is shown: composed (NFC), on one line.

    Raises
    ------
    UsageError
        If it is no address: one @, a name of up to 64 letters before it, and a domain after it.
    """
    found = line(text, what="The e-mail address", most=EMAIL)
    local, at, domain = found.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not _domain(domain):
        shown = found if len(found) <= 60 else f"{found[:60]}…"
        raise UsageError(f"'{shown}' is not an e-mail address.", hint=_HINT)
    return found


def folded(text: str) -> str:
    """The address as it is compared: no matter its case, nor how its letters are composed.

    A domain is compared as the name system has it, so bücher.example is xn--bcher-kva.example.
    Letters of different scripts stay different, however alike they look.
    """
    local, _, domain = address(text).rpartition("@")
    name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return f"{name}@{_domain(domain)}"


def scripts(text: str) -> tuple[str, ...]:
    """The scripts of an address's letters, where there are several: it may look like another."""
    found = {
        unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()
    }
    return tuple(sorted(found)) if len(found) > 1 else ()


def _domain(text: str) -> str:
    """The domain in ASCII; empty for what is none."""
    import idna

    try:
        found = idna.encode(text, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return ""
    return found if "." in found.strip(".") or found == "localhost" else ""
