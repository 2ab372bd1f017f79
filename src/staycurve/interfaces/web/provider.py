"""Provider: logging in by OpenID Connect, with the authorization code flow and PKCE.

Who begins takes a signed cookie along, so that an answer that a page elsewhere made up, or that
belongs to another browser, opens nothing (OpenID Connect Core 1.0, 3.1.2.1 and 15.5.2).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from staycurve.errors import StateError, UsageError
from staycurve.login_settings import LOGIN
from staycurve.workspace import Company

COOKIE = "staycurve_provider"
LASTS = 600
"""Seconds from leaving for the provider to coming back."""
SCOPE = "openid email"
WAIT = 10.0
"""Seconds in which the provider must answer."""
KEPT = 3600.0
"""Seconds after which what the provider says of itself is read anew."""
ANEW = 10.0
"""Seconds between two readings of its keys, whatever tokens come."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA")
"""Signatures that a token may have: none made with a shared secret, and never none."""
LEEWAY = 60
_SECRET = "provider"


class ProviderError(StateError):
    """The provider does not answer, or not as it should."""

    code = "provider"


class AnswerError(UsageError):
    """What came back from the provider opens nothing."""

    code = "provider_answer"


@dataclass(frozen=True)
class Found:
    """Whom the provider names: its own name for them, their checked address, and where to go."""

    subject: str
    email: str
    to: str


class Provider:
    """The identity provider of [login]."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._told: dict[str, Any] = {}
        self._told_at = float("-inf")
        self._keys: Any = None
        self._keys_at = float("-inf")

    async def begin(self, back: str, to: str) -> tuple[str, str]:
        """The address of the provider to go to, and what the browser keeps meanwhile.

        Raises
        ------
        ProviderError
            If the provider does not answer.
        """
        from authlib.common.security import generate_token

        told = await self._metadata()
        kept = {
            "state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24),
            "verifier": generate_token(64), "back": back, "to": to,
        }
        async with self._client(back) as client:
            address, _state = client.create_authorization_url(
                told["authorization_endpoint"], state=kept["state"], nonce=kept["nonce"],
                code_verifier=kept["verifier"],
            )
        return address, self._signer().dumps(kept)

    async def end(self, answer: Mapping[str, str], cookie: str) -> Found:
        """Whom the provider let in.

        Raises
        ------
        AnswerError
            If the answer is not one to what this browser began, or names nobody.
        ProviderError
            If the provider does not answer.
        """
        from itsdangerous import BadSignature

        try:
            kept = self._signer().loads(cookie, max_age=LASTS) if len(cookie) < 4000 else None
        except BadSignature:
            kept = None
        if kept is None or not secrets.compare_digest(
            kept["state"].encode(), answer.get("state", "").encode()
        ):
            raise AnswerError("This login was not begun here, or too long ago.", hint="Begin anew.")
        if answer.get("error"):
            raise AnswerError(
                f"The provider refused: {answer['error'][:60]}.",
                hint="Begin anew, or ask an admin.",
            )
        token = await self._token(answer.get("code", ""), kept)
        claims = await self._claims(token, kept["nonce"])
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise AnswerError(
                "The provider gave no e-mail address that it has verified.",
                hint="Verify your address there, or log in with a password.",
            )
        return Found(f"{claims['iss']} {claims['sub']}"[:400], email, kept["to"])

    async def _token(self, code: str, kept: Mapping[str, str]) -> str:
        from authlib.integrations.base_client import OAuthError

        told = await self._metadata()
        try:
            async with self._client(kept["back"]) as client:
                found = await self._answered(client.fetch_token(
                    told["token_endpoint"], code=code, code_verifier=kept["verifier"]
                ))
        except OAuthError as error:
            raise AnswerError(
                f"The provider refused: {str(error.error)[:60]}.",
                hint="Begin anew; an admin finds the reason in the provider's log.",
            ) from None
        token = found.get("id_token")
        if not isinstance(token, str):
            raise ProviderError("The provider sent no ID token.", hint="Is openid allowed there?")
        return token

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What a token says, once its signature and who made it for whom are checked."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        told, own = await self._metadata(), self.company.config[LOGIN]
        rules = jwt.JWTClaimsRegistry(
            now=int(self.company.clock().timestamp()), leeway=LEEWAY,
            iss={"essential": True, "value": told["issuer"]},
            aud={"essential": True, "value": own.client_id},
            sub={"essential": True}, exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        for is_last in (False, True):
            try:
                keys = await self._key_set(is_new=is_last)
                read = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
                rules.validate(read.claims)
            except (JoseError, ValueError) as error:
                # A key that is not known yet: the provider may have changed its keys.
                if is_last or time.monotonic() - self._keys_at < ANEW:
                    raise AnswerError(
                        f"The provider's token does not hold: {type(error).__name__}.",
                        hint="Begin anew; is this machine's clock right?",
                    ) from None
                continue
            parties = read.claims.get("azp")
            if parties is not None and parties != own.client_id:
                raise AnswerError("The provider's token is for another.", hint="Begin anew.")
            return dict(read.claims)
        raise AssertionError("the loop returns or raises")

    async def _metadata(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, 4)."""
        own = self.company.config[LOGIN]
        if not own.has_provider:
            raise UsageError(
                "No identity provider is configured.", hint="Log in with your password."
            )
        if time.monotonic() - self._told_at > KEPT:
            found = await self._read(
                f"{own.issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
            if any(not isinstance(found.get(name), str) for name in needed) or (
                found["issuer"].rstrip("/") != own.issuer.rstrip("/")
            ):
                raise ProviderError(
                    f"{own.issuer} does not describe itself as OpenID Connect asks.",
                    hint="Is issuer in [login] right?",
                )
            self._told, self._told_at = found, time.monotonic()
        return self._told

    async def _key_set(self, *, is_new: bool) -> Any:
        from joserfc.jwk import KeySet

        if self._keys is None or is_new or time.monotonic() - self._keys_at > KEPT:
            found = await self._read((await self._metadata())["jwks_uri"])
            try:
                self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (ValueError, KeyError, TypeError):
                raise ProviderError(
                    "The provider's keys cannot be read.", hint="Ask who runs the provider."
                ) from None
            self._keys_at = time.monotonic()
        return self._keys

    async def _read(self, address: str) -> dict[str, Any]:
        import httpx

        async with httpx.AsyncClient(timeout=WAIT, follow_redirects=False) as client:
            response = await self._answered(client.get(address))
        try:
            found = response.json() if response.status_code == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._away()
        return found

    async def _answered(self, work: Any) -> Any:
        import httpx

        try:
            return await work
        except (httpx.HTTPError, httpx.InvalidURL):
            raise self._away() from None

    def _away(self) -> ProviderError:
        host = urlsplit(self.company.config[LOGIN].issuer).netloc
        return ProviderError(
            f"The identity provider {host} does not answer.",
            hint="Try again in a moment, or log in with a password.",
        )

    def _client(self, back: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        own = self.company.config[LOGIN]
        secret = own.client_secret.reveal() if own.client_secret else None
        return AsyncOAuth2Client(
            own.client_id, secret, scope=SCOPE, redirect_uri=back, timeout=WAIT,
            code_challenge_method="S256", follow_redirects=False,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
        )

    def _signer(self) -> Any:
        from itsdangerous import URLSafeTimedSerializer

        return URLSafeTimedSerializer(
            self.company.state.people.secret(_SECRET), salt="staycurve.provider"
        )
