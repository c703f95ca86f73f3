"""Login through the government's unified login: OpenID Connect, authorisation code with PKCE (RFC 7636), state and nonce.

What the browser carries meanwhile is sealed; nothing is kept here until the provider's signed answer has been checked.
"""

import json
import logging
import os
import secrets
import threading
import warnings
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from linkage.kernel.errors import ConfigurationError
from linkage.portal import clock
from linkage.portal.config import OpenIdProvider
from linkage.portal.desk import Refused
from linkage.portal.sealing import Sealer

with warnings.catch_warnings():  # which client the library will want next is no concern of whoever starts the portal
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import OAuth2Client

log = logging.getLogger(__name__)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key only: ``none`` and shared secrets are refused."""
TIMEOUT_SECONDS = 10
FLIGHT_SECONDS = 600
DISCOVERY_SECONDS = 3600
LEEWAY_SECONDS = 60
SEALED_FOR = "openid login"


@dataclass(frozen=True)
class Identity:
    """Who came back, and whether the provider saw a second factor."""

    subject: str
    second_factor: bool


class Provider:
    """One provider; its addresses and keys are read on first use and kept for an hour."""

    def __init__(self, config: OpenIdProvider, redirect_uri: str, sealer: Sealer) -> None:
        self.config, self.redirect_uri, self._sealer = config, redirect_uri, sealer
        self._lock = threading.Lock()
        self._discovered: tuple[float, dict[str, Any]] | None = None

    def begin(self, target: str) -> tuple[str, str]:
        """Where the browser is sent, and what it carries (sealed) until it comes back."""
        flight = {
            "state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24), "verifier": secrets.token_urlsafe(48), "target": target,
            "until": clock.moment().timestamp() + FLIGHT_SECONDS,
        }  # fmt: skip
        with self._client() as client:
            address, _ = client.create_authorization_url(
                self._metadata()["authorization_endpoint"],
                state=flight["state"],
                nonce=flight["nonce"],
                code_verifier=flight["verifier"],
            )
        return str(address), self._sealer.seal(json.dumps(flight), bound_to=SEALED_FOR)

    def finish(self, carried: str | None, state: str, code: str) -> tuple[Identity, str]:
        """Who came back and where they wanted to go. Raises Refused when anything does not fit."""
        opened = self._sealer.open(carried, bound_to=SEALED_FOR) if carried else None
        flight = json.loads(opened) if opened else None
        if flight is None or flight["until"] < clock.moment().timestamp():
            raise _refused("登录已超时，请重新登录。", "The login took too long; begin again.")
        if not secrets.compare_digest(flight["state"].encode(), state.encode("utf-8", "replace")):
            raise _refused("登录状态不符，请重新登录。", "This is not the login that was begun here; begin again.")
        claims = self._claims(self._token(code, flight["verifier"]), flight["nonce"])
        methods = claims.get("amr")
        known = not isinstance(methods, list) or bool(set(map(str, methods)) & set(self.config.second_factor_methods))
        return Identity(str(claims["sub"]), known), str(flight["target"])

    def _token(self, code: str, verifier: str) -> str:
        try:
            with self._client() as client:
                token = client.fetch_token(self._metadata()["token_endpoint"], code=code, code_verifier=verifier)
            return str(token["id_token"])
        except (OAuthError, httpx.HTTPError, KeyError, ValueError) as error:
            log.warning("the provider gave no token (%s)", type(error).__name__)
            raise _refused("统一身份认证未确认此登录。", "The unified login did not confirm this login.") from None

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims of a token that this provider signed for this portal, now, for this login."""
        registry = jwt.JWTClaimsRegistry(
            now=int(clock.moment().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.config.issuer.rstrip("/")},
            aud={"essential": True, "value": self.config.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            keys = KeySet.import_key_set(cast(KeySetSerialization, self._fetch(self._metadata()["jwks_uri"])))
            claims = dict(jwt.decode(id_token, keys, algorithms=list(ALGORITHMS)).claims)
            claims["iss"] = str(claims.get("iss", "")).rstrip("/")
            registry.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("the provider's token does not hold (%s)", type(error).__name__)
            raise _refused("统一身份认证的凭证未通过校验。", "The unified login's token does not hold.") from None
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != self.config.client_id:
            raise _refused("统一身份认证的凭证不是发给本系统的。", "The unified login's token is for another system.")
        return claims

    def _client(self) -> OAuth2Client:
        secret = os.environ.get(self.config.client_secret_environment)
        if not secret:
            raise ConfigurationError(
                f"The client secret of the unified login is missing: {self.config.client_secret_environment} is not set.",
                remedy="Set the environment variable for `linkage serve`.",
            )
        return OAuth2Client(
            self.config.client_id,
            secret,
            scope="openid",
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )

    def _metadata(self) -> dict[str, Any]:
        with self._lock:
            moment = clock.moment().timestamp()
            if self._discovered is None or self._discovered[0] + DISCOVERY_SECONDS < moment:
                self._discovered = (moment, self._discover())
            return self._discovered[1]

    def _discover(self) -> dict[str, Any]:
        issuer = self.config.issuer.rstrip("/")
        found = self._fetch(f"{issuer}/.well-known/openid-configuration")
        scheme = urlsplit(issuer).scheme
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        is_sound = str(found.get("issuer", "")).rstrip("/") == issuer
        if not is_sound or any(urlsplit(str(found.get(name))).scheme not in (scheme, "https") for name in wanted):
            raise ConfigurationError(
                f"{issuer} describes itself as another provider, or with addresses that are not {scheme}.",
                remedy="Check openid.issuer in config/portal.yaml with whoever runs the unified login.",
            )
        return found

    def _fetch(self, address: str) -> dict[str, Any]:
        try:
            answer = httpx.get(address, timeout=TIMEOUT_SECONDS, follow_redirects=False)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("the unified login does not answer (%s)", type(error).__name__)
            raise Refused(
                503,
                "统一身份认证暂时无法访问，请稍后再试或使用本地账号。",
                "The unified login does not answer; try later, or use a local account.",
            ) from None
        if not isinstance(found, dict):
            raise _refused("统一身份认证返回的内容有误。", "The unified login's answer is not right.")
        return found


def _refused(zh: str, en: str) -> Refused:
    return Refused(401, zh, en)
