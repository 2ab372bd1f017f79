"""Personal data in what people write, hidden: addresses, numbers, and names that we know."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

EMAIL, PHONE, CARD, IBAN, NAME = "[e-mail]", "[phone]", "[card]", "[IBAN]", "[name]"

LONGEST = 20_000
"""Characters of one text that are read: what comes after is left out, never shown unmasked."""

_EMAIL = re.compile(r"[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}", re.UNICODE)
_DIGITS = re.compile(r"(?<![\w])\d(?:[ \u00a0.-]?\d){11,18}(?![\w])")
_NATIONAL = re.compile(
    r"(?<![\w.,-])(?:\(?0\d{1,4}\)?[ /-]\d(?:[ /-]?\d){4,9}|\(?\d{3}\)?[ -]\d{3}-\d{4})(?![\w-])"
)
"""A trunk prefix with a gap after it, as 030 123456, or three, three and four digits, as in North
America. Digits in a row are more often an order's number, and a date has its year first."""
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}\b", re.IGNORECASE)

NOT_NAMES = frozenset((
    "admin", "team", "support", "info", "test", "user", "mark", "will", "may", "grant", "bill",
    "price", "art", "rich", "page", "march", "april", "june", "august", "long", "short", "best",
))
"""Single words that are names of people and words of the language: they are masked only as a part
of a full name, or every complaint about a bill would read as one about a Bill."""


@dataclass(frozen=True)
class Masker:
    """Masks texts of one company.

    Parameters
    ----------
    names : frozenset of str
        Names of the company's users, as they are loaded.
    region : str
        The country of phone numbers that are written without one, as DE; none where empty.
    """

    names: frozenset[str] = field(default_factory=frozenset)
    region: str = ""

    @cached_property
    def _parts(self) -> tuple[frozenset[str], int]:
        """Whole names and their single words, folded, and how many words the longest has."""
        found: set[str] = set()
        longest = 1
        for name in self.names:
            words = [word.casefold() for word in re.findall(r"[\w'’-]+", name)]
            if not words:
                continue
            found.add(" ".join(words))
            longest = max(longest, len(words))
            found |= {word for word in words if len(word) > 2 and word not in NOT_NAMES}
        return frozenset(found - NOT_NAMES), longest

    def mask(self, text: str) -> str:
        """The text with personal data replaced by what it was: `[e-mail]`, `[phone]`, …

        Cards are told by their check digit (ISO/IEC 7812, Luhn) and IBANs by theirs (ISO 13616,
        modulo 97), so that order numbers stay; phone numbers by the numbering plan of their
        country.
        """
        text = text[:LONGEST]
        text = _EMAIL.sub(EMAIL, text)
        text = _IBAN.sub(lambda found: _iban(found[0]), text)
        text = _DIGITS.sub(lambda found: CARD if is_card(found[0]) else found[0], text)
        return self._named(self._phones(text))

    def _phones(self, text: str) -> str:
        if sum(letter.isdigit() for letter in text) < 7:
            return text
        from phonenumbers import Leniency, PhoneNumberMatcher

        found = [
            (match.start, match.end)
            for match in PhoneNumberMatcher(
                text, self.region or None, leniency=Leniency.VALID, max_tries=200
            )
        ]
        for start, end in reversed(found):
            text = text[:start] + PHONE + text[end:]
        # Without its country no plan tells a number: what is written as one is taken for one.
        return _NATIONAL.sub(PHONE, text)

    def _named(self, text: str) -> str:
        known, longest = self._parts
        if not known:
            return text
        words = list(re.finditer(r"[\w'’-]+", text))
        spans: list[tuple[int, int]] = []
        place = 0
        while place < len(words):
            for size in range(min(longest, len(words) - place), 0, -1):
                part = words[place:place + size]
                folded = " ".join(one[0].casefold().removesuffix("'s").removesuffix("’s")
                                  for one in part)
                if folded in known:
                    spans.append((part[0].start(), part[-1].end()))
                    place += size
                    break
            else:
                place += 1
        for start, end in reversed(spans):
            text = text[:start] + NAME + text[end:]
        return text


def is_card(text: str) -> bool:
    """Whether digits, blanks and hyphens are a card number by Luhn's check digit."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    total = sum(digits[-1::-2])
    total += sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN by its two check digits (ISO 13616)."""
    kept = re.sub(r"\s", "", text).upper()
    if not 15 <= len(kept) <= 34 or not kept.isascii() or not kept.isalnum():
        return False
    turned = kept[4:] + kept[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _iban(text: str) -> str:
    """The text with the IBAN at its start masked; words may follow it without a sign between."""
    for end in range(len(text), 14, -1):
        if (end == len(text) or not text[end].isalnum()) and is_iban(text[:end]):
            return IBAN + text[end:]
    return text


def masker_of(names: Iterable[str | None], region: str | None = None) -> Masker:
    """A masker for the names of a company's users."""
    return Masker(frozenset(name for name in names if name), region or "")
