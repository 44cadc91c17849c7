"""The wire format of the room: forms of the protocol as they are documented, and staff's JSON."""

from typing import Any

from marshmallow import EXCLUDE, INCLUDE, post_dump, post_load

from app.http.fields import (
    UUID,
    Dict,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    Raw,
    Schema,
    Text,
    validate,
)
from app.oauth.values import AuthMethod, ClientStatus, GrantedScope, GrantType, NewClient, Profile

_SCOPE = r"[a-z][a-z0-9_.-]{0,63}"
_URL = r"https?://[!-~]{1,490}"
_MOST_URLS = 20


class FormSchema(Schema):
    """A form of the protocol: parameters that are not named here are ignored (RFC 6749)."""

    class Meta:
        unknown = EXCLUDE


class ClientFormSchema(FormSchema):
    """How a client proves itself in a form; a secret may also come by HTTP Basic."""

    client_id = Text(max_length=100)
    client_secret = Text(max_length=200)
    client_assertion_type = Text(
        metadata={"examples": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]}
    )
    client_assertion = Text(max_length=8192)


class AuthorizationFormSchema(FormSchema):
    """What a client asks of a citizen (OpenID Connect Core 3.1.2.1, RFC 9126, 9396, 9449)."""

    client_id = Text(max_length=100)
    request_uri = Text(max_length=200)
    response_type = Text(max_length=20)
    redirect_uri = Text(max_length=500)
    scope = Text(max_length=1000)
    state = Text(max_length=1000)
    nonce = Text(max_length=255)
    code_challenge = Text(max_length=43)
    code_challenge_method = Text(max_length=10)
    response_mode = Text(max_length=20)
    prompt = Text(max_length=100)
    max_age = Text(max_length=9)
    login_hint = Text(max_length=100)
    id_token_hint = Text(max_length=8192)
    acr_values = Text(max_length=200)
    claims = Text(max_length=4000)
    ui_locales = Text(max_length=100)
    dpop_jkt = Text(max_length=43)
    authorization_details = Text(max_length=4000)


class PushFormSchema(ClientFormSchema, AuthorizationFormSchema):
    """A request to be kept."""


class TokenFormSchema(ClientFormSchema):
    """One of five grants."""

    grant_type = Text(max_length=100, validate=[validate.OneOf([str(g) for g in GrantType])])
    code = Text(max_length=200)
    redirect_uri = Text(max_length=500)
    code_verifier = Text(max_length=128)
    refresh_token = Text(max_length=200)
    scope = Text(max_length=1000)
    device_code = Text(max_length=200)
    subject_token = Text(max_length=8192)
    subject_token_type = Text(max_length=100)
    actor_token = Text(max_length=8192)
    actor_token_type = Text(max_length=100)
    requested_token_type = Text(max_length=100)


class OwnTokenFormSchema(ClientFormSchema):
    """A token of the calling client."""

    token = Text(max_length=8192)
    token_type_hint = Text(max_length=100)


class DeviceFormSchema(ClientFormSchema):
    """What a device asks for."""

    scope = Text(max_length=1000)


class LogoutFormSchema(FormSchema):
    """A wish to log out (OpenID Connect RP-Initiated Logout 1.0)."""

    id_token_hint = Text(max_length=8192)
    client_id = Text(max_length=100)
    post_logout_redirect_uri = Text(max_length=500)
    state = Text(max_length=1000)


class OpenSchema(Schema):
    """An answer whose further members standards may name."""

    class Meta:
        unknown = INCLUDE

    @post_dump(pass_original=True)
    def _keep_the_rest(
        self, data: dict[str, Any], original: dict[str, Any], **_: object
    ) -> dict[str, Any]:
        return {**original, **data}


class PushedSchema(Schema):
    """A request that was kept."""

    request_uri = Text(required=True)
    expires_in = Integer(required=True, metadata={"examples": [90]})


class ClientTokenSchema(OpenSchema):
    """Tokens (RFC 6749, 5.1)."""

    access_token = Text(required=True, max_length=8192)
    token_type = Text(required=True, validate=[validate.OneOf(["DPoP", "Bearer"])])
    expires_in = Integer(required=True, metadata={"examples": [300]})
    scope = Text(required=True, min_length=0)
    refresh_token = Text()
    id_token = Text(max_length=8192)
    issued_token_type = Text()
    authorization_details = List(Dict())


class IntrospectionSchema(OpenSchema):
    """What a token is worth now (RFC 7662)."""

    active = Flag(required=True)
    scope = Text(min_length=0)
    client_id = Text()
    token_type = Text()
    exp = Integer()
    sub = Text()


class DeviceCodeSchema(Schema):
    """What a device shows and polls with (RFC 8628)."""

    device_code = Text(required=True)
    user_code = Text(required=True, metadata={"examples": ["BCDF-GHJK"]})
    verification_uri = Text(required=True)
    verification_uri_complete = Text(required=True)
    expires_in = Integer(required=True)
    interval = Integer(required=True)


class UserinfoSchema(OpenSchema):
    """Claims about a citizen: by scope, consent and level."""

    sub = Text(required=True)
    nickname = Text()
    phone_number = Text()
    phone_number_verified = Flag()
    name = Text()
    resident_id = Text()


class KeySetSchema(OpenSchema):
    """Public keys (RFC 7517)."""

    keys = List(Dict(), required=True)


class ProviderSchema(OpenSchema):
    """The provider's metadata (RFC 8414, OpenID Connect Discovery 1.0)."""

    issuer = Text(required=True)
    authorization_endpoint = Text(required=True)
    token_endpoint = Text(required=True)
    jwks_uri = Text(required=True)


class GrantedScopeSchema(Schema):
    """A scope that a client may ask for, and until when."""

    scope = Text(required=True, max_length=64, pattern=_SCOPE, metadata={"examples": ["openid"]})
    expires_at = Moment(load_default=None, allow_none=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> GrantedScope:
        return GrantedScope(**data)


def _urls(**options: Any) -> Any:  # noqa: ANN401 - marshmallow's own
    return List(
        Text(max_length=500, pattern=_URL), validate=validate.Length(max=_MOST_URLS), **options
    )


class KeysSchema(Schema):
    """A client's public keys (RFC 7517); old and new side by side while they roll over."""

    keys = List(Raw(), required=True, validate=validate.Length(min=1, max=10))


class ChangeClientSchema(Schema):
    """What shall be different about a client."""

    name = Text(max_length=100, metadata={"examples": ["武当文旅"]})
    name_en = Text(max_length=100, min_length=0)
    status = Text(validate=[validate.OneOf([str(s) for s in ClientStatus])])
    profile = Text(
        validate=[validate.OneOf([str(p) for p in Profile])],
        metadata={"description": "`plain` only where a client cannot do FAPI 2.0"},
    )
    auth_method = Text(validate=[validate.OneOf([str(m) for m in AuthMethod])])
    grant_types = List(
        Text(max_length=100, validate=[validate.OneOf([str(g) for g in GrantType])]),
        validate=validate.Length(min=1, max=5),
    )
    redirect_uris = _urls()
    post_logout_uris = _urls()
    backchannel_logout_uri = Text(max_length=500, pattern=_URL, allow_none=True)
    initiate_login_uri = Text(max_length=500, pattern=_URL, allow_none=True)
    jwks = Nested(KeysSchema, allow_none=True)
    jwks_uri = Text(max_length=500, pattern=_URL, allow_none=True)
    sector = Text(max_length=200)
    department = Text(max_length=64, allow_none=True)
    needs_nonce = Flag()
    scopes = List(Nested(GrantedScopeSchema), validate=validate.Length(max=50))

    @post_load
    def _read(self, data: dict[str, Any], **_: object) -> Any:  # noqa: ANN401 - each schema's own
        return _typed(data)


def _typed(data: dict[str, Any]) -> dict[str, Any]:
    """Return a description of a client in the room's own values."""
    for name, kind in (("profile", Profile), ("auth_method", AuthMethod)):
        if name in data:
            data[name] = kind(data[name])
    if "grant_types" in data:
        data["grant_types"] = tuple(GrantType(one) for one in data["grant_types"])
    for name in ("redirect_uris", "post_logout_uris", "scopes"):
        if name in data:
            data[name] = tuple(data[name])
    return data


class NewClientSchema(ChangeClientSchema):
    """A client to be registered; without a word about it, it has to do FAPI 2.0."""

    class Meta:
        exclude = ("status",)

    name = Text(required=True, max_length=100, metadata={"examples": ["武当文旅"]})

    @post_load
    def _read(self, data: dict[str, Any], **_: object) -> NewClient:
        return NewClient(**_typed(data))


class ClientSchema(Schema):
    """A client; its secret is shown once, when it is made."""

    id = UUID(required=True)
    name = Text(required=True)
    name_en = Text(required=True, min_length=0)
    status = Text(required=True)
    profile = Text(required=True)
    auth_method = Text(required=True)
    grant_types = List(Text(), required=True)
    redirect_uris = List(Text(), required=True)
    post_logout_uris = List(Text(), required=True)
    backchannel_logout_uri = Text(required=True, allow_none=True)
    initiate_login_uri = Text(required=True, allow_none=True)
    jwks = Raw(required=True, allow_none=True)
    jwks_uri = Text(required=True, allow_none=True)
    sector = Text(required=True)
    department = Text(required=True, allow_none=True)
    needs_nonce = Flag(required=True)
    scopes = List(Nested(GrantedScopeSchema), required=True)
    created_at = Moment(required=True)
    secret = Text(allow_none=True)


class ClientRequestSchema(Schema):
    """A call that a client made: when, of what, and how it ended; seven days back."""

    request_id = UUID(required=True, metadata={"description": "`X-Request-Id` of the answer"})
    at = Moment(required=True)
    operation = Text(required=True, metadata={"examples": ["GET /v1/payments/{payment_id}"]})
    status = Integer(required=True, metadata={"examples": [200]})
    milliseconds = Integer(required=True, metadata={"description": "How long we took"})
    code = Text(required=True, allow_none=True, metadata={"description": "Of a refusal, its code"})


class SandboxWishSchema(Schema):
    """What a client of a sandbox shall be called, and may ask for."""

    name = Text(required=True, max_length=100, metadata={"examples": ["十堰智慧停车"]})
    scopes = List(
        Text(max_length=64, pattern=_SCOPE, metadata={"examples": ["bills.read"]}),
        validate=validate.Length(max=50),
        load_default=(),
    )
    redirect_uris = _urls(load_default=())


class SandboxClientSchema(Schema):
    """A client of a sandbox, ready for its first call; the key is shown this once."""

    client_id = UUID(required=True)
    name = Text(required=True)
    issuer = Text(required=True, metadata={"description": "The address of the API, too"})
    token_endpoint = Text(required=True)
    scopes = List(Text(), required=True)
    redirect_uris = List(Text(), required=True)
    private_key = Dict(required=True, metadata={"description": "A JWK (RFC 7517); nobody keeps it"})


class EntryAddressSchema(Schema):
    """An address to open in the citizen's browser: once, before it expires, and nowhere else."""

    url = Text(required=True, max_length=500)
    expires_at = Moment(required=True)
