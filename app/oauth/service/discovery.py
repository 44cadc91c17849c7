"""What this provider can do, as clients read it (RFC 8414, OpenID Connect Discovery 1.0)."""

from typing import Any

from app.core.jose import ALGORITHMS
from app.core.tokens import LEVELS
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import CLAIMS, SCOPES, AuthMethod, GrantType

_OWN_CLAIMS = (
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "sid",
)


def describe_provider(deps: OAuthDeps) -> dict[str, Any]:
    """Return the provider's metadata; both well-known addresses show the same."""
    at = deps.address_of
    return {
        "issuer": deps.issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "pushed_authorization_request_endpoint": at("/oauth/par"),
        "jwks_uri": at("/oauth/jwks"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "introspection_endpoint": at("/oauth/introspect"),
        "revocation_endpoint": at("/oauth/revoke"),
        "device_authorization_endpoint": at("/oauth/device_authorization"),
        "end_session_endpoint": at("/oauth/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [str(one) for one in GrantType],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [str(one) for one in AuthMethod],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": [str(one) for one in AuthMethod],
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [str(one) for one in AuthMethod],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": list(SCOPES),
        "claims_supported": [*_OWN_CLAIMS, *CLAIMS],
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "acr_values_supported": [level for level in LEVELS if level != "public"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_details_types_supported": ["payment", "application"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": ["zh-CN", "en"],
    }
