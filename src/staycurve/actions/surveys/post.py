"""Post: mails handed to an SMTP server, and what it says to each."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from types import TracebackType

from staycurve.errors import ConfigError, StaycurveError
from staycurve.mail_settings import Mail, port_of

TIMEOUT = 30.0
"""Seconds to wait for a server's next word."""

TAKEN, LATER, REFUSED, UNSURE = "taken", "later", "refused", "unsure"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class PostError(StaycurveError):
    """The server is away, or takes nothing now: mails wait, and nothing is lost."""

    code = "mail"


@dataclass(frozen=True)
class Heard:
    """What a server said to one mail.

    Attributes
    ----------
    outcome : str
        `taken`, `later` (it may be sent again), `refused` for good, or `unsure`: the connection
        broke after the mail was handed over, and nobody knows.
    said : str
        In the server's words.
    """

    outcome: str
    said: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether the server knows no such address (RFC 3463, 5.1.x)."""
        return self.outcome == REFUSED and " 5.1." in f" {self.said}"


class Post:
    """A connection to the server of [mail], opened when the first mail is sent.

    Parameters
    ----------
    settings : Mail
    """

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Post:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye."""
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                self._server.close()
            self._server = None

    def open(self) -> None:
        """Connect, unless it is connected.

        Raises
        ------
        PostError
            If nothing can be sent now: the server is away, or does not let us in.
        ConfigError
            If a password would go over the network as it is.
        """
        if self._server is not None:
            return
        own = self._settings
        place = f"{own.host}:{port_of(own)}"
        try:
            server = self._connected()
        except smtplib.SMTPException as error:
            raise PostError(
                f"The mail server {place} does not take our mail: {_words(error)}.",
                hint="Check [mail]; the mails wait.",
            ) from None
        except OSError as error:
            said = error.strerror or str(error) or type(error).__name__
            raise PostError(
                f"The mail server {place} cannot be reached: {said}.",
                hint="The mails wait, and are sent once it is back.",
            ) from None
        self._server = server

    def send(self, message: EmailMessage, recipient: str) -> Heard:
        """Hand one mail over; only what the server says of this mail is an outcome.

        Raises
        ------
        PostError
            If the connection was lost before the mail was handed over: it was not sent.
        """
        content = message.as_bytes(policy=SMTP)
        self.open()
        server = self._server
        assert server is not None
        sender = str(message["From"].addresses[0].addr_spec)
        try:
            code, said = server.mail(sender)
            if code != 250:
                self._drop()
                # It is not this mail's fault: every other would be refused as well.
                raise PostError(
                    f"The mail server takes nothing from {sender}: {_heard(code, said).said}.",
                    hint="Check [mail] from; the mails wait.",
                )
            code, said = server.rcpt(recipient)
            if code not in (250, 251):
                self._reset(server)
                return _heard(code, said)
        except UnicodeError:
            self._drop()
            return Heard(REFUSED, "The address has letters that this server does not take.")
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise PostError(
                f"The mail server went away: {_words(error)}.",
                hint="The mails wait, and are sent once it is back.",
            ) from None
        try:
            code, said = server.data(content)
        except smtplib.SMTPDataError as error:
            # It refused before anything was handed over.
            self._reset(server)
            return _heard(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Heard(UNSURE, f"The connection broke: {_words(error)}.")
        return Heard(TAKEN) if code == 250 else _heard(code, said)

    def _connected(self) -> smtplib.SMTP:
        own, port = self._settings, port_of(self._settings)
        context = ssl.create_default_context()
        if own.tls == "ssl" or (own.tls == "auto" and port == 465):
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                own.host, port, timeout=TIMEOUT, context=context
            )
            is_safe = True
        else:
            server = smtplib.SMTP(own.host, port, timeout=TIMEOUT)
            server.ehlo()
            is_safe = own.tls == "starttls" or (
                own.tls == "auto" and server.has_extn("starttls")
            )
            if is_safe:
                server.starttls(context=context)
                server.ehlo()
        if own.user and own.password is not None:
            if not is_safe and own.tls != "none" and own.host not in _LOOPBACK:
                server.close()
                raise ConfigError(
                    f"{own.host} offers no encryption: the password was not sent.",
                    hint='Choose another port, or write [mail] tls = "none" to send it as it is.',
                )
            server.login(own.user, own.password.reveal())
        return server

    def _reset(self, server: smtplib.SMTP) -> None:
        try:
            server.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _heard(code: int, said: bytes | str) -> Heard:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    shown = f"{code} {' '.join(text.split())}"[:200]
    return Heard(REFUSED if 500 <= code < 600 else LATER, shown)


def _words(error: Exception) -> str:
    # An authentication error's own text repeats what the server said to the password, not it.
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {' '.join(text.split())}"[:120]
    return (str(error) or type(error).__name__)[:120].rstrip(".")
