"""What is personal in a text is hidden, and what only looks like it stays."""

from __future__ import annotations

import pytest

from staycurve.insights.voice.masking import is_card, is_iban, masker_of

MASKER = masker_of(["Zoë Smith-Grau", "Bill Price", "Kim", None, "김민지", "O'Neil"], "DE")


@pytest.mark.parametrize(("text", "shown"), [
    ("Write to zoe.s+x@mail.example.co.uk, please", "Write to [e-mail], please"),
    ("Ask Zoë Smith-Grau or ZOË", "Ask [name] or [name]"),
    ("Bill Price's bill had the wrong price", "[name] bill had the wrong price"),
    ("Kim knows, Kimberley does not", "[name] knows, Kimberley does not"),
    ("O'Neil called", "[name] called"),
    # The test numbers of card networks, and one whose check digit is wrong.
    ("Card 4111 1111 1111 1111 was charged", "Card [card] was charged"),
    ("Card 378282246310005.", "Card [card]."),
    ("Order 4111 1111 1111 1112 is late", "Order 4111 1111 1111 1112 is late"),
    # Examples of the IBAN registry.
    ("IBAN GB82 WEST 1234 5698 7654 32 please", "IBAN [IBAN] please"),
    ("to DE89370400440532013000", "to [IBAN]"),
    ("Code DE88370400440532013000", "Code DE88370400440532013000"),
    ("Call +44 20 7946 0958 now", "Call [phone] now"),
    ("Ruf 030 123456 an", "Ruf [phone] an"),
    ("Or (415) 555-0100", "Or [phone]"),
    ("Version 2.10.3, 15 users, 2024-05-01, 1,200 EUR", "Version 2.10.3, 15 users, 2024-05-01, "
                                                        "1,200 EUR"),
    ("", ""),
])
def test_what_is_personal_is_hidden(text: str, shown: str) -> None:
    assert MASKER.mask(text) == shown


def test_check_digits() -> None:
    assert is_card("5555 5555 5555 4444")
    assert not is_card("0000 0000 0000 0000")
    assert not is_card("4111")
    assert is_iban("FR1420041010050500013M02606")
    assert not is_iban("FR1420041010050500013M02607")


def test_a_long_text_is_cut_and_not_left_unread() -> None:
    shown = MASKER.mask("a " * 20_000 + "zoe@mail.example")
    assert len(shown) <= 20_000
    assert "zoe@" not in shown
