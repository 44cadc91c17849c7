"""The OpenAPI 3.1 document, generated from the code, and the page that shows it."""

from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import flask_smorest
import orjson
import yaml
from flask import Flask, Response, abort, send_from_directory
from flask_smorest.utils import prepare_response
from marshmallow import INCLUDE, fields
from werkzeug.routing import BaseConverter

from app.http import problems
from app.http.blueprint import OAUTH_REFUSALS, Blueprint
from app.http.fields import Amount, Currency, Flag, Integer, Moment, QueryInteger, Schema, Text
from app.http.server import KeyConverter, NameConverter, SlugConverter, WayConverter

DESCRIPTION = """\
One identity, one payment platform and one service entry for a city.

Every operation needs an access token unless it says otherwise. Amounts are integers in minor
units (fen). Lists answer `items` and `next_cursor`. A POST that makes money needs an
`Idempotency-Key`. Refusals are problem documents (RFC 9457) with a stable `code`.
"""
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)


class FaultSchema(Schema):
    """One fault of an input: where, and what."""

    pointer = fields.String(metadata={"description": "JSON pointer into the body"})
    parameter = fields.String(metadata={"description": "Name of a query argument"})
    line = fields.Integer(metadata={"description": "Line of an uploaded file"})
    column = fields.Integer(metadata={"description": "Cell of that line, counted from one"})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """A refusal: a problem document (RFC 9457)."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"examples": ["/problems/not-found"]})
    code = fields.String(required=True, metadata={"examples": ["not-found"]})
    title = fields.String(required=True)
    title_zh = fields.String(required=True)
    status = fields.Integer(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True, allow_none=True)
    detail = fields.String()
    errors = fields.List(fields.Nested(FaultSchema))


class OAuthErrorSchema(Schema):
    """A refusal of an OAuth endpoint (RFC 6749, 5.2)."""

    class Meta:
        unknown = INCLUDE

    error = fields.String(required=True, metadata={"examples": ["invalid_grant"]})
    error_description = fields.String()


class Api(flask_smorest.Api):  # type: ignore[misc] # the library is untyped
    """flask-smorest with problem documents as the only error format."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.mounted: list[tuple[Blueprint, str, str]] = []
        self._described = 0
        self._describing = Lock()

    def _register_responses(self) -> None:
        """Document every error status as `application/problem+json`."""
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= HTTPStatus.BAD_REQUEST:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, problems.MEDIA_TYPE)
            self.spec.components.response(status.name, response, lazy=True)
        for number, name in OAUTH_REFUSALS.items():
            refused: dict[str, Any] = {
                "description": HTTPStatus(number).phrase,
                "schema": OAuthErrorSchema,
            }
            prepare_response(refused, self.spec, "application/json")
            self.spec.components.response(name, refused, lazy=True)

    def _register_error_handlers(self) -> None:
        """Leave errors to `app.http.problems`."""

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:  # noqa: ANN401 - Flask's
        """Mount a blueprint; it is described when somebody wants to read the document.

        Describing all of them takes longer than all else that a process begins with.
        """
        name: str = options.get("name") or blp.name
        place: str = options.get("url_prefix") or ""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][name] = self
        self._app.register_blueprint(blp, **options)
        self.mounted.append((blp, name, place))

    def describe(self) -> None:
        """Write into the document what was mounted and is not in it yet."""
        with self._describing:
            for blp, name, _ in self.mounted[self._described :]:
                blp.register_views_in_doc(self, self._app, self.spec, name=name, parameters=None)
                self.spec.tag({"name": name, "description": blp.description})
                self._described += 1


def make_api(app: Flask, version: str, scopes: Mapping[str, str]) -> Api:
    """Return the document of an application, before its blueprints are registered.

    `scopes` are what a citizen can grant to other people's apps, with a title for each.
    """
    app.config.update(
        API_TITLE="Wudang",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION, "license": {"name": "Proprietary"}},
            "servers": [{"url": "/"}],
        },
    )
    api = Api(app)
    for field, kind, form in (
        (Text, "string", None),
        (Integer, "integer", None),
        (QueryInteger, "integer", None),
        (Amount, "integer", None),
        (Flag, "boolean", None),
        (Moment, "string", "date-time"),
        (Currency, "string", None),
    ):
        api.register_field(field, kind, form)
    for converter in (SlugConverter, NameConverter, KeyConverter, WayConverter):
        api.register_converter(converter, _described)
    _register_components(api, scopes)
    return api


def _described(converter: BaseConverter) -> dict[str, str]:
    """Return the schema of what a converter lets through."""
    return {"type": "string", "pattern": f"^{converter.regex}$"}


def _register_components(api: Api, scopes: Mapping[str, str]) -> None:
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}
    components = api.spec.components
    components.security_scheme("citizen", {**bearer, "description": "A citizen's access token"})
    said = "A pass for one payable, as its provider gives it to somebody without an account"
    components.security_scheme("guest", {**bearer, "description": said})
    components.security_scheme("staff", {**bearer, "description": "A member of staff's token"})
    own = {**bearer, "description": "A token of a system in its own name (client credentials)"}
    components.security_scheme("integrator", own)
    flow = {
        "authorizationUrl": "/oauth/authorize",
        "tokenUrl": "/oauth/token",
        "refreshUrl": "/oauth/token",
        "scopes": dict(scopes),
    }
    granted = {"type": "oauth2", "flows": {"authorizationCode": flow}}
    said = "What a citizen granted to another's app; as a rule bound to its key (DPoP, RFC 9449)"
    components.security_scheme("grant", {**granted, "description": said})
    key = {
        "name": "Idempotency-Key",
        "description": "16 to 128 visible ASCII characters, new for each thing meant once",
        "schema": {"type": "string", "pattern": "^[!#-\\[\\]-~]{16,128}$"},
    }
    components.parameter("IDEMPOTENCY_KEY", "header", {**key, "required": True}, lazy=True)
    components.parameter("OPTIONAL_KEY", "header", {**key, "required": False}, lazy=True)


def document(api: Api) -> dict[str, Any]:
    """Return the OpenAPI document with its paths in a stable order."""
    api.describe()
    spec: dict[str, Any] = api.spec.to_dict()
    spec["paths"] = dict(sorted(spec["paths"].items()))
    spec["components"]["schemas"] = dict(sorted(spec["components"]["schemas"].items()))
    spec["components"]["responses"] = dict(sorted(spec["components"]["responses"].items()))
    spec["tags"] = sorted(spec.get("tags", []), key=lambda tag: str(tag["name"]))
    return spec


def as_yaml(api: Api) -> str:
    """Return the document as the text of `openapi.yaml`."""
    plain = orjson.loads(orjson.dumps(document(api)))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return text


def serve(app: Flask, api: Api) -> None:
    """Serve `/openapi.json`, and `/docs` with assets that come from a package."""
    assets = Path(str(files("swagger_ui"))) / "static"
    rendered: list[bytes] = []

    @Blueprint.public
    def openapi() -> Response:
        if not rendered:
            rendered.append(orjson.dumps(document(api)))
        return Response(rendered[0], mimetype="application/json")

    @Blueprint.public
    def docs() -> Response:
        return _page(_DOCS_PAGE, "text/html")

    @Blueprint.public
    def docs_asset(name: str) -> Response:
        if name == "start.js":
            return _page(_DOCS_SCRIPT, "text/javascript")
        if name not in {"swagger-ui.css", "swagger-ui-bundle.js"}:
            abort(404)
        return send_from_directory(assets, name, max_age=86_400)

    app.add_url_rule("/openapi.json", "openapi", openapi)
    app.add_url_rule("/docs", "docs", docs)
    app.add_url_rule("/docs/<name>", "docs_asset", docs_asset)


def _page(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return response


_DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Wudang API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
"""
_DOCS_SCRIPT = "SwaggerUIBundle({url: '/openapi.json', dom_id: '#ui', deepLinking: true});\n"
