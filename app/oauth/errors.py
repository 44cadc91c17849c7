"""What the room refuses: the errors of the protocol, and those of staff and pages."""

from collections.abc import Mapping
from typing import ClassVar

from app.core.errors import Conflict, Forbidden, Invalid, Malformed, NotFound, Unauthenticated


class ClientNotFound(NotFound):
    """There is no such client."""

    code = "client-not-found"
    title_zh = "没有这个接入方"
    title_en = "There is no such client"


class ClientExists(Conflict):
    """Another client has this name."""

    code = "client-exists"
    title_zh = "该名称的接入方已存在"
    title_en = "There is a client of this name"


class ClientInvalid(Invalid):
    """The description of a client contradicts itself or its profile."""

    code = "client-invalid"
    title_zh = "接入方的配置不正确"
    title_en = "The description of the client is not valid"


class SandboxOnly(Forbidden):
    """Clients make themselves in a sandbox only; elsewhere the city's staff registers them."""

    code = "sandbox-only"
    title_zh = "仅限沙箱环境"
    title_en = "This is possible in a sandbox only"


class InteractionNotFound(NotFound):
    """There is no such request, or another browser began it."""

    code = "interaction-not-found"
    title_zh = "没有找到该登录请求"
    title_en = "There is no such request in this browser"


class InteractionOver(Conflict):
    """The request has been decided or has expired; go back to the app and begin again."""

    code = "interaction-over"
    title_zh = "该请求已处理或已过期，请返回应用重新开始"
    title_en = "The request was decided or has expired; begin again from the app"


class StepMissing(Conflict):
    """Something has to happen before the request can be decided."""

    code = "step-missing"
    title_zh = "请先完成前面的步骤"
    title_en = "A step before this one is missing"


class UserCodeUnknown(NotFound):
    """No device waits with this code."""

    code = "user-code-unknown"
    title_zh = "设备码无效或已过期"
    title_en = "No device waits with this code"


class ServiceHasNoPage(Invalid):
    """Nobody offers a page of their own for this service, or its client may not act now."""

    code = "service-has-no-page"
    title_zh = "该服务没有可进入的页面"
    title_en = "The service has no page to go to"


class EntryOver(Conflict):
    """The way into a service's page was used or has expired; open the service again."""

    code = "entry-over"
    title_zh = "该链接已使用或已过期，请回到应用重新进入"
    title_en = "This way in was used or has expired"


class OAuthError(Malformed):
    """A refusal of the protocol: `error` is what RFC 6749 and its successors call it.

    `headers` are further fields of the answer.
    """

    code = "oauth-error"
    title_zh = "授权请求不正确"
    title_en = "The authorization request is not acceptable"
    error: ClassVar[str] = "invalid_request"

    def __init__(
        self,
        detail: str = "",
        *,
        challenge: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail, challenge=challenge)
        self.headers = dict(headers or {})


class InvalidRequest(OAuthError):
    """A parameter is missing, stands twice, or is not what it must be."""

    error = "invalid_request"


class InvalidGrant(OAuthError):
    """The code, refresh token or device code is unknown, over, used, or somebody else's."""

    error = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """The client may not use this grant or this way of asking."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """There is no such grant."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """Only `code` is given out at the authorization endpoint."""

    error = "unsupported_response_type"


class InvalidScope(OAuthError):
    """A scope is unknown, or was not granted to the client."""

    error = "invalid_scope"


class InvalidTarget(OAuthError):
    """The token or resource asked for is not one that can be given (RFC 8693)."""

    error = "invalid_target"


class InvalidRequestUri(OAuthError):
    """The pushed request is unknown, used, over, or another client's."""

    error = "invalid_request_uri"


class RequestNotSupported(OAuthError):
    """Request objects are not taken; push the parameters instead."""

    error = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """Only a `request_uri` that was pushed here is taken."""

    error = "request_uri_not_supported"


class RegistrationNotSupported(OAuthError):
    """Clients are registered by staff."""

    error = "registration_not_supported"


class InvalidDpopProof(OAuthError):
    """The proof of possession does not hold (RFC 9449)."""

    error = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """The proof has to carry the nonce of the `DPoP-Nonce` field (RFC 9449)."""

    error = "use_dpop_nonce"


class InvalidAuthorizationDetails(OAuthError):
    """The `authorization_details` are of an unknown type or not complete (RFC 9396)."""

    error = "invalid_authorization_details"


class AuthorizationPending(OAuthError):
    """The citizen has not decided yet (RFC 8628)."""

    error = "authorization_pending"


class SlowDown(OAuthError):
    """The device asks too often; five seconds more from now on (RFC 8628)."""

    error = "slow_down"


class ExpiredToken(OAuthError):
    """The device code is over (RFC 8628)."""

    error = "expired_token"


class AccessDenied(OAuthError):
    """The citizen has refused."""

    error = "access_denied"


class LoginRequired(OAuthError):
    """Nobody has logged in, and nobody may be asked (`prompt=none`)."""

    error = "login_required"


class ConsentRequired(OAuthError):
    """The citizen has not consented, and may not be asked (`prompt=none`)."""

    error = "consent_required"


class InteractionRequired(OAuthError):
    """Something has to be asked, and nobody may be asked (`prompt=none`)."""

    error = "interaction_required"


class UnmetAuthentication(OAuthError):
    """The citizen's level is lower than the client needs."""

    error = "unmet_authentication_requirements"


class InvalidClient(Unauthenticated):
    """The client has not proven itself."""

    code = "invalid-client"
    title_zh = "接入方身份验证失败"
    title_en = "The client has not proven itself"
    error: ClassVar[str] = "invalid_client"
