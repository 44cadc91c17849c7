"""A relying party written with bare signatures, and citizens who decide without a page."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flask.testing import FlaskClient
from joserfc import jwk
from werkzeug.test import TestResponse

from app.core import jose
from app.core.clock import now
from app.factory import Rooms
from app.oauth import service
from app.oauth.service import OAuthDeps
from app.oauth.values import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    AuthMethod,
    BrowserSession,
    ClientStatus,
    GrantedScope,
    GrantType,
    NewClient,
    Profile,
)
from tests.factories import Citizen

CALLBACK = "https://rp.example/callback"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GONE: Any = object()
Bend = Mapping[str, Any]


def make_key(kind: str = "ES256") -> dict[str, Any]:
    """Return a fresh private JWK with a kid, and its algorithm if it is one of ours."""
    private: Any = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "PS256": lambda: rsa.generate_private_key(65537, 2048),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
        "RSA1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - it has to be refused
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }[kind]()
    made: Any = {"ES256": jwk.ECKey, "P-384": jwk.ECKey, "EdDSA": jwk.OKPKey}.get(kind, jwk.RSAKey)
    members: dict[str, Any] = dict(made(private, private).as_dict(private=True))
    members["kid"] = secrets.token_hex(4)
    if kind in jose.ALGORITHMS:
        members["alg"] = kind
    return members


def public(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public half of a JWK."""
    return {k: v for k, v in key.items() if k not in {"d", "p", "q", "dp", "dq", "qi"}}


def bent(values: Mapping[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """Return a copy with members changed; `GONE` removes one."""
    made = {**values, **changes}
    return {name: value for name, value in made.items() if value is not GONE}


def b64(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True)
class Browser:
    """A citizen's browser: a client with cookies, logged in or not."""

    http: FlaskClient
    rooms: Rooms

    def go(self, url: str) -> TestResponse:
        """Open an address of ours."""
        parts = urlsplit(url)
        return self.http.get(f"{parts.path}?{parts.query}" if parts.query else parts.path)

    @property
    def secret(self) -> str:
        """Return what names this browser."""
        cookie = self.http.get_cookie(BROWSER_COOKIE)
        return cookie.value if cookie else ""

    def session(self) -> BrowserSession | None:
        """Return who has logged in."""
        cookie = self.http.get_cookie(SESSION_COOKIE)
        with self.rooms.units.open(actor="test", read_only=True) as uow:
            return service.read_browser_session(
                uow, self.rooms.deps[OAuthDeps], cookie.value if cookie else None
            )

    def decide(self, location: str, granted: Sequence[str] | None = ()) -> str:
        """Decide the question at an address; all that is asked unless `granted` says otherwise."""
        interaction_id = UUID(urlsplit(location).path.rsplit("/", 1)[1])
        deps = self.rooms.deps[OAuthDeps]
        session = self.session()
        with self.rooms.units.open(actor="test") as uow:
            asked = service.read_interaction(uow, deps, interaction_id, self.secret, session)
            everything = [line.scope for line in asked.scopes]
            kept = None if granted is None else frozenset(granted or everything)
            return service.decide_interaction(
                uow, deps, interaction_id, self.secret, session, granted=kept
            )

    def log_in(self, citizen: Citizen, amr: Sequence[str] = ("sms",)) -> None:
        """Log a citizen in, as the page does once they have proven who they are."""
        with self.rooms.units.open(actor="test") as uow:
            secret = service.open_browser_session(
                uow, self.rooms.deps[OAuthDeps], UUID(citizen.id), UUID(citizen.session_id), amr
            )
        self.http.set_cookie(SESSION_COOKIE, secret)


def open_browser(
    app: Any,  # noqa: ANN401 - the server, whose clients check contracts
    rooms: Rooms,
    citizen: Citizen | None = None,
) -> Browser:
    """Return a browser, in which a citizen has just logged in if one is given."""
    browser = Browser(app.test_client(), rooms)
    if citizen is not None:
        browser.log_in(citizen)
    return browser


@dataclass
class RelyingParty:
    """A client of the provider; each method takes what shall be wrong with what it makes."""

    http: FlaskClient
    client_id: str
    issuer: str
    secret: str | None
    auth_method: AuthMethod
    key: dict[str, Any] | None
    dpop_key: dict[str, Any] | None
    redirect_uri: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    @property
    def challenge(self) -> str:
        """Return the S256 challenge of this client's verifier."""
        return b64(sha256(self.verifier.encode()).digest())

    def assertion(
        self,
        header: Bend | None = None,
        key: Mapping[str, Any] | None = None,
        **claims: Any,  # noqa: ANN401 - JSON values
    ) -> str:
        """Return a client assertion, bent by its arguments."""
        moment = int(now().timestamp())
        made = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": str(uuid4()),
            "iat": moment,
            "exp": moment + 55,
        }
        used = key or self.key
        assert used is not None
        top = {"alg": used.get("alg", "ES256"), "kid": used["kid"], "typ": "JWT"}
        return jose.sign(bent(made, **claims), bent(top, **(header or {})), used)

    def proof(
        self,
        path: str,
        header: Bend | None = None,
        key: Mapping[str, Any] | None = None,
        *,
        method: str = "POST",
        token: str | None = None,
        **claims: Any,  # noqa: ANN401 - JSON values
    ) -> str:
        """Return a DPoP proof for a path of ours, bent by its arguments."""
        used = key or self.dpop_key
        assert used is not None
        made: dict[str, Any] = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": f"{self.issuer}{path}",
            "iat": int(now().timestamp()),
        }
        if token is not None:
            made["ath"] = b64(sha256(token.encode()).digest())
        shown = {k: v for k, v in public(used).items() if k not in {"kid", "alg"}}
        top = {"typ": "dpop+jwt", "alg": used.get("alg", "ES256"), "jwk": shown}
        return jose.sign(bent(made, **claims), bent(top, **(header or {})), used)

    def identify(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the fields and headers by which this client proves itself."""
        if self.auth_method is AuthMethod.KEY:
            assertion = self.assertion()
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, {}
        if self.auth_method is AuthMethod.BASIC:
            pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
            return {}, {"Authorization": f"Basic {pair}"}
        if self.auth_method is AuthMethod.POST:
            return {"client_id": self.client_id, "client_secret": self.secret}, {}
        return {"client_id": self.client_id}, {}

    def post(self, path: str, fields: Mapping[str, Any], proof: str | None = None) -> TestResponse:
        """Post a form as this client; with a proof where it has a key (`GONE`: without)."""
        own, headers = self.identify()
        if proof is None and self.dpop_key is not None:
            proof = self.proof(path)
        if isinstance(proof, str):
            headers["DPoP"] = proof
        return self.http.post(path, data=bent(own, **fields), headers=headers)

    def parameters(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - text, or GONE
        """Return a good authorization request, bent by its arguments."""
        made = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": "s-1",
            "nonce": "n-1",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return bent(made, **changes)

    def push(self, **changes: Any) -> TestResponse:  # noqa: ANN401 - text, or GONE
        """Push an authorization request."""
        proof = changes.pop("proof", None)
        return self.post("/oauth/par", self.parameters(**changes), proof)

    def address(self, **changes: Any) -> str:  # noqa: ANN401 - text, or GONE
        """Return the address to send a browser to; pushes first if this client pushes."""
        query = self.parameters(**changes)
        if self.auth_method is AuthMethod.KEY:
            pushed = self.push(**changes)
            assert pushed.status_code == 201, pushed.text
            query = {"client_id": self.client_id, "request_uri": pushed.json["request_uri"]}
        return f"/oauth/authorize?{urlencode(query)}"

    def authorize(
        self,
        browser: Browser,
        granted: Sequence[str] | None = (),
        **changes: Any,  # noqa: ANN401 - text, or GONE
    ) -> dict[str, str]:
        """Let a citizen decide, and return the parameters that came back to this client."""
        answer = browser.go(self.address(**changes))
        assert answer.status_code == 303, answer.text
        location = answer.headers["Location"]
        if "/oauth/interaction/" in location:
            location = browser.decide(location, granted)
        assert location.startswith(self.redirect_uri), location
        return dict(parse_qsl(urlsplit(location).query))

    def redeem(self, code: Any, **changes: Any) -> TestResponse:  # noqa: ANN401 - text, or GONE
        """Exchange a code."""
        proof = changes.pop("proof", None)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.post("/oauth/token", bent(fields, **changes), proof)

    def log_in(self, browser: Browser, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Run the whole flow and return the tokens."""
        answer = self.redeem(self.authorize(browser, **changes)["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def refresh(self, token: str, **changes: Any) -> TestResponse:  # noqa: ANN401
        """Exchange a refresh token."""
        proof = changes.pop("proof", None)
        fields = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/oauth/token", bent(fields, **changes), proof)

    def call(self, token: str, path: str = "/oauth/userinfo") -> TestResponse:
        """Use an access token at the API."""
        if self.dpop_key is None:
            return self.http.get(path, headers={"Authorization": f"Bearer {token}"})
        proof = self.proof(path, method="GET", token=token)
        return self.http.get(path, headers={"Authorization": f"DPoP {token}", "DPoP": proof})

    def is_active(self, token: str) -> bool:
        """Ask the provider whether a token counts."""
        answer = self.post("/oauth/introspect", {"token": token})
        assert answer.status_code == 200, answer.text
        return bool(answer.json["active"])


def make_client(
    app: Any,  # noqa: ANN401 - the server, whose clients check contracts
    rooms: Rooms,
    *,
    profile: str = "fapi",
    auth_method: str = "private_key_jwt",
    scopes: Sequence[str] = ("openid", "profile", "phone", "real_name", "offline_access"),
    redirect_uris: Sequence[str] = (CALLBACK,),
    algorithm: str = "ES256",
    status: ClientStatus = ClientStatus.ACTIVE,
    **more: Any,  # noqa: ANN401 - fields of NewClient
) -> RelyingParty:
    """Register a client and return the relying party that it is."""
    method = AuthMethod(auth_method)
    key = more.pop("key", None)
    if method is AuthMethod.KEY:
        key = key or make_key(algorithm)
        if "jwks_uri" not in more:
            more.setdefault("jwks", {"keys": [public(key)]})
    kinds = tuple(more.pop("grant_types", GrantType))
    if method is AuthMethod.NONE:
        kinds = tuple(k for k in kinds if k not in {GrantType.CLIENT, GrantType.EXCHANGE})
    wanted = NewClient(
        name=more.pop("name", f"client {secrets.token_hex(6)}"),
        profile=Profile(profile),
        auth_method=method,
        grant_types=kinds,
        redirect_uris=tuple(redirect_uris) if GrantType.CODE in kinds else (),
        scopes=tuple(GrantedScope(one) for one in scopes),
        **more,
    )
    with rooms.units.open(actor="test") as uow:
        made = service.create_client(uow, wanted, cause="test", status=status)
    return RelyingParty(
        http=app.test_client(),
        client_id=str(made.id),
        issuer=rooms.deps[OAuthDeps].issuer,
        secret=made.secret,
        auth_method=method,
        key=key,
        dpop_key=make_key() if profile == "fapi" else None,
        redirect_uri=redirect_uris[0],
    )


def plain(app: Any, rooms: Rooms, **more: Any) -> RelyingParty:  # noqa: ANN401
    """Return a plain confidential client."""
    return make_client(app, rooms, profile="plain", auth_method="client_secret_basic", **more)


def native(app: Any, rooms: Rooms, **more: Any) -> RelyingParty:  # noqa: ANN401
    """Return a plain public client."""
    return make_client(app, rooms, profile="plain", auth_method="none", **more)


def query_of(location: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
