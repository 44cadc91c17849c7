"""What the provider says of itself (F01), held against the standards by Authlib's validators."""

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask.testing import FlaskClient

from app.factory import Rooms
from app.oauth.service import OAuthDeps, describe_provider
from tests.oauth.support import make_key, public

WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def test_both_addresses_show_everything(client: FlaskClient, rooms: Rooms) -> None:
    for path in WELL_KNOWN:
        answer = client.get(path)
        assert answer.json == describe_provider(rooms.deps[OAuthDeps])
        assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_the_metadata_is_what_the_standards_ask(client: FlaskClient) -> None:
    shown = client.get(WELL_KNOWN[0]).json
    secure = {
        k: v.replace("http://", "https://") if isinstance(v, str) else v for k, v in shown.items()
    }
    AuthorizationServerMetadata(secure).validate()
    with pytest.raises(ValueError, match="RS256"):  # FAPI 2.0 forbids what OpenID Connect demands
        OpenIDProviderMetadata(secure).validate()
    algorithms = "id_token_signing_alg_values_supported"
    OpenIDProviderMetadata({**secure, algorithms: [*secure[algorithms], "RS256"]}).validate()


def test_only_what_fapi_permits_is_offered(client: FlaskClient, rooms: Rooms) -> None:
    shown = client.get(WELL_KNOWN[0]).json
    assert shown["issuer"] == rooms.settings.web.public_url
    assert shown["response_types_supported"] == ["code"]
    assert shown["code_challenge_methods_supported"] == ["S256"]
    assert shown["subject_types_supported"] == ["pairwise"]
    assert shown["authorization_response_iss_parameter_supported"] is True
    algorithms = {"ES256", "PS256", "EdDSA"}
    for name, value in shown.items():
        if "alg_values_supported" in name:
            assert set(value) <= algorithms, name


def test_every_endpoint_is_served(client: FlaskClient) -> None:
    shown = client.get(WELL_KNOWN[0]).json
    endpoints = [v for k, v in shown.items() if k.endswith(("_endpoint", "jwks_uri"))]
    assert len(endpoints) == 9
    for url in endpoints:
        path = url.removeprefix(shown["issuer"])
        assert {client.get(path).status_code, client.post(path).status_code} != {404}, path


def test_no_private_member_is_published(client: FlaskClient) -> None:
    keys = client.get("/oauth/jwks").json["keys"]
    assert keys
    private = set(make_key()) - set(public(make_key()))
    assert private == {"d"}
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
        assert (key["use"], key["kty"]) == ("sig", "EC")
