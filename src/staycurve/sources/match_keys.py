"""Match keys: by what the accounts of a source are looked for among those of other sources."""

from __future__ import annotations

from dataclasses import dataclass

ID, DOMAIN, EMAIL = "id", "domain", "email"
FIELDS = {ID: ("account_id",), DOMAIN: ("domain", "website"), EMAIL: ("email",)}
"""Key → the attributes of an account that hold it, where the section names none."""

_FREE = """
    126.com 163.com aim.com aol.com att.net bellsouth.net bigpond.com bluewin.ch btinternet.com
    charter.net comcast.net cox.net duck.com earthlink.net email.com fastmail.com fastmail.fm
    free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com
    hey.com home.nl hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
    hushmail.com icloud.com inbox.com inbox.ru interia.pl laposte.net libero.it list.ru live.co.uk
    live.com live.de live.fr live.nl mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com
    o2.pl optonline.net optusnet.com.au orange.fr outlook.com outlook.de outlook.fr pm.me posteo.de
    proton.me protonmail.com protonmail.ch qq.com rambler.ru rediffmail.com rocketmail.com
    rogers.com sbcglobal.net seznam.cz sfr.fr shaw.ca sina.com sky.com
    t-online.de talktalk.net telenet.be telia.com tiscali.it tuta.com tutanota.com
    verizon.net virgilio.it virginmedia.com wanadoo.fr web.de wp.pl xtra.co.nz
    yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.ar yahoo.com.au yahoo.com.br
    yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru ymail.com ziggo.nl zoho.com
"""
FREE_MAIL = frozenset(_FREE.split())
"""Domains at which anybody has an address: who shares one shares no company."""


@dataclass(frozen=True)
class MatchKey:
    """One key of `match`: `id`, `domain` or `email`, and the attributes that hold it."""

    kind: str
    fields: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> MatchKey | None:
        """The key that a text such as `domain` or `id:customer number` names; None for none."""
        kind, colon, field = text.partition(":")
        if kind not in FIELDS or (colon and not field.strip()):
            return None
        return cls(kind, (field.strip().lower(),) if colon else FIELDS[kind])


def domain_of(text: str) -> str:
    """The domain of a domain, an address of a site, or an e-mail address; empty for none.

    Free mail domains are nobody's.
    """
    found = text.strip().lower().rpartition("@")[2]
    found = found.partition("://")[2] or found
    found = found.partition("/")[0].partition("?")[0].partition(":")[0].removeprefix("www.")
    found = found.strip(". ")
    is_one = "." in found and len(found.split()) == 1
    return found if is_one and found not in FREE_MAIL else ""


def email_of(text: str) -> str:
    """An e-mail address as it is compared; empty for none."""
    found = text.strip().lower()
    before, at, domain = found.rpartition("@")
    return found if at and before and "." in domain and len(found.split()) == 1 else ""
