"""What the room takes and gives: states, scopes, requests, interactions and answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

BROWSER_COOKIE = "wudang_browser"
SESSION_COOKIE = "wudang_session"

PUSHED_LIFETIME = timedelta(seconds=90)
CODE_LIFETIME = timedelta(seconds=60)
REPEAT_WINDOW = timedelta(seconds=10)
ACCESS_LIFETIME = timedelta(minutes=5)
ID_TOKEN_LIFETIME = timedelta(minutes=5)
GRANT_LIFETIME = timedelta(days=90)
INTERACTION_LIFETIME = timedelta(minutes=10)
DEVICE_LIFETIME = timedelta(minutes=10)
DEVICE_INTERVAL = 5
ENTRY_LIFETIME = timedelta(seconds=60)
ENTRY_HINT = "urn:wudang:entry:"
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
MANDATE_TOKEN_TYPE = "urn:wudang:params:oauth:token-type:mandate"  # noqa: S105 - a name
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name


class ClientStatus(StrEnum):
    """The states of a client; `sandbox` works in a sandbox only, `active` everywhere."""

    DRAFT = "draft"
    SANDBOX = "sandbox"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Profile(StrEnum):
    """FAPI 2.0 (the rule), or plain OAuth 2.1 where staff has said that a client cannot do it."""

    FAPI = "fapi"
    PLAIN = "plain"


class AuthMethod(StrEnum):
    """How a client proves itself at the protocol's endpoints."""

    KEY = "private_key_jwt"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    NONE = "none"


class GrantType(StrEnum):
    """The ways to a token."""

    CODE = "authorization_code"
    REFRESH = "refresh_token"
    CLIENT = "client_credentials"
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
    EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class GrantStatus(StrEnum):
    """The states of what a citizen (or a client for itself) has granted."""

    ACTIVE = "active"
    ENDED = "ended"


class TokenState(StrEnum):
    """Where a refresh token stands in its grant; the rule is that of first-party sessions."""

    CURRENT = "current"
    PARENT = "parent"
    SPENT = "spent"
    VOID = "void"


class Kind(StrEnum):
    """What an interaction with a citizen's browser is for."""

    AUTHORIZE = "authorize"
    DEVICE = "device"
    LOGOUT = "logout"


class Step(StrEnum):
    """What the browser's page has to ask next."""

    LOG_IN = "log-in"
    RAISE_LEVEL = "raise-level"
    CONSENT = "consent"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a citizen can grant: how it is called, which claims it opens, at which level."""

    title_zh: str
    title_en: str
    claims: tuple[str, ...] = ()
    level: str = "basic"


SCOPES: Mapping[str, Scope] = {
    "openid": Scope(
        "确认您的登录身份（不含姓名）", "Know that it is you, without your name", ("sub",)
    ),
    "profile": Scope(
        "隐去部分的姓名和认证等级", "Your name in part, and your level", ("nickname",)
    ),
    "phone": Scope("手机号码", "Your phone number", ("phone_number", "phone_number_verified")),
    "real_name": Scope(
        "真实姓名和身份证号码",
        "Your real name and resident identity number",
        ("name", "resident_id"),
        "verified",
    ),
    "offline_access": Scope("在您退出后继续访问", "Access while you are logged out"),
    "bills.read": Scope("查看您的账单", "See your bills"),
    "payments.read": Scope("查看您的缴费记录", "See your payments"),
    "payments.write": Scope("为您发起缴费", "Begin payments for you"),
    "receipts.read": Scope("查看您的电子票据", "See your receipts"),
    "applications.read": Scope("查看您的办件", "See your applications"),
    "applications.write": Scope("为您提交申请", "Submit applications for you"),
    "messages.read": Scope("查看您的消息", "See your messages"),
}
"""What a citizen can be asked for; everything else is granted to systems in their own name."""

CLAIMS: Mapping[str, str] = {
    claim: name for name, scope in SCOPES.items() for claim in scope.claims
}
"""Which scope opens a claim."""


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client as staff describes it."""

    name: str
    name_en: str = ""
    profile: Profile = Profile.FAPI
    auth_method: AuthMethod = AuthMethod.KEY
    grant_types: tuple[GrantType, ...] = (GrantType.CODE, GrantType.REFRESH)
    redirect_uris: tuple[str, ...] = ()
    post_logout_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    initiate_login_uri: str | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str | None = None
    sector: str | None = None
    department: str | None = None
    needs_nonce: bool = False
    scopes: tuple["GrantedScope", ...] = ()


@dataclass(frozen=True, slots=True)
class GrantedScope:
    """A scope that a client may ask for, and until when."""

    scope: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client as staff sees it; its secrets are not in it."""

    id: UUID
    name: str
    name_en: str
    status: str
    profile: str
    auth_method: str
    grant_types: Sequence[str]
    redirect_uris: Sequence[str]
    post_logout_uris: Sequence[str]
    backchannel_logout_uri: str | None
    initiate_login_uri: str | None
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    sector: str
    department: str | None
    needs_nonce: bool
    scopes: Sequence[GrantedScope]
    created_at: datetime
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class SandboxClient:
    """All that a fresh client of a sandbox needs for its first call; its key is shown this once."""

    client_id: UUID
    name: str
    issuer: str
    token_endpoint: str
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    private_key: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks of a citizen, validated (RFC 6749, OpenID Connect Core, RFC 9126)."""

    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    level: str | None = None
    login_hint: str | None = None
    subject_hint: str | None = None
    ui_locales: str | None = None
    id_token_claims: tuple[str, ...] = ()
    key_thumbprint: str | None = None
    details: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A citizen who has logged in with this browser, or came into it from the city's app.

    In the second case `entry_id` names the way they came, and the rest is of the app's session.
    """

    id: UUID
    citizen_id: UUID
    session_id: UUID
    authenticated_at: datetime
    amr: tuple[str, ...]
    assurance: str
    entry_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EntryView:
    """An address that leads its citizen, once, into the page of a service."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClientFace:
    """How a client is shown to a citizen."""

    id: UUID
    name: str
    name_en: str
    is_sandbox: bool


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One line of the consent page."""

    scope: str
    title_zh: str
    title_en: str
    details: tuple[str, ...]
    required: bool
    level: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a browser's page has to show and ask."""

    id: UUID
    kind: Kind
    step: Step
    client: ClientFace | None
    expires_at: datetime
    scopes: tuple[ScopeLine, ...] = ()
    wanted_level: str | None = None
    login_hint: str | None = None
    ui_locales: str | None = None
    details: tuple[Mapping[str, Any], ...] = ()
    is_consented: bool = False
    redirect_uri: str | None = None
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """A pushed request: what to hand to the authorization endpoint, and how long it is good."""

    request_uri: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """What a device shows and polls with (RFC 8628)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


REQUESTS_KEPT = timedelta(days=7)
OWN_LOG = "requests.read"
"""The scope that opens a client's own log of requests to it."""
LOOPBACK_REDIRECT = "http://127.0.0.1/callback"
"""Where a sandbox sends citizens back to when nothing is said: this machine, with any port."""


def tell_nobody(client_id: UUID) -> None:
    """Do nothing: what a call without a log of requests tells of its client."""
    del client_id


@dataclass(frozen=True, slots=True)
class ProtocolCall:
    """A call of a protocol endpoint: its form, and the fields in which the client proves itself.

    `proven` is told who calls, once that is sure.
    """

    form: Mapping[str, str]
    authorization: str | None = None
    proof: str | None = None
    path: str = ""
    address: str = ""
    proven: Callable[[UUID], None] = tell_nobody
