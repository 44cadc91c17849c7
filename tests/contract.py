"""A test client that holds every answer of the whole suite against the OpenAPI document."""

import re
from functools import cached_property
from typing import Any, cast

import jsonschema_rs
import orjson
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from app.http.openapi import Api, document
from app.http.problems import MEDIA_TYPE

_PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")
_NAMED = re.compile(r'"#/components/schemas/([^"]+)"')
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


class ContractBroken(AssertionError):
    """An answer is not what the document says."""


class Said:
    """The OpenAPI document as a client gets it, and what checks the schemas in it."""

    def __init__(self, api: Api) -> None:
        self.spec: dict[str, Any] = orjson.loads(orjson.dumps(document(api)))
        self._validators: dict[bytes, jsonschema_rs.Draft202012Validator] = {}

    def validator(self, schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        """Return what checks a schema of the document; most operations share those of refusals."""
        written = orjson.dumps(schema)
        found = self._validators.get(written)
        if found is None:
            whole = {**schema, "components": {"schemas": self._named_in(written)}}
            found = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[written] = found
        return found

    def _named_in(self, written: bytes) -> dict[str, Any]:
        """Return the schemas that a written one refers to, however far away."""
        named: dict[str, Any] = {}
        waiting = [written]
        while waiting:
            for name in _NAMED.findall(waiting.pop().decode()):
                if name not in named:
                    named[name] = self.spec["components"]["schemas"][name]
                    waiting.append(orjson.dumps(named[name]))
        return named


_said: dict[tuple[object, ...], Said] = {}
"""By what is mounted: an application that has the same blueprints says the same."""


class Contract:
    """What the OpenAPI document of one application says about its answers."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    @cached_property
    def said(self) -> Said:
        """Return its document."""
        api: Api = self._app.extensions["api"]
        mounted = tuple(api.mounted)
        if mounted not in _said:
            _said[mounted] = Said(api)
        return _said[mounted]

    @property
    def spec(self) -> dict[str, Any]:
        """Return the document as a client gets it."""
        return self.said.spec

    def check(self, response: TestResponse) -> None:
        """Raise `ContractBroken` if an answer is not one that the document promises."""
        method, place = response.request.method, response.request.path
        path = self._template(place, method)
        operation = self.spec["paths"].get(path, {}).get(_documented(method))
        shown = response.data[:600].decode(errors="replace")  # a PDF is no text
        said = f"{method} {place} -> {response.status_code}: {shown}"
        if response.mimetype == "text/html" and self._is_page(place, method):
            return  # for people; tests.oauth.visitor reads it as strictly
        if operation is not None:
            self._check_documented(response, operation, said)
        elif response.status_code >= 400:
            self._check_body(response, {MEDIA_TYPE: {"schema": _PROBLEM}}, said)

    def _is_page(self, place: str, method: str) -> bool:
        """Say whether an address belongs to the pages for people, which are in no document."""
        try:
            endpoint, _ = self._app.url_map.bind("localhost").match(place, method)
        except HTTPException:
            return False
        is_for_browsers = endpoint in {"oauth.Authorize", "oauth.Logout"}
        return is_for_browsers or str(endpoint).startswith("pages.")

    def _template(self, place: str, method: str) -> str:
        """Return the documented form of the route that an address belongs to."""
        try:
            rule, _ = self._app.url_map.bind("localhost").match(place, method, return_rule=True)
        except HTTPException:
            return ""
        return _PLACEHOLDER.sub(r"{\1}", rule.rule)

    def _check_documented(
        self, response: TestResponse, operation: dict[str, Any], said: str
    ) -> None:
        status = str(response.status_code)
        promised = operation["responses"].get(status)
        if promised is None:
            raise ContractBroken(f"an undocumented status: {said}")
        if "$ref" in promised:
            promised = self.spec["components"]["responses"][promised["$ref"].rsplit("/", 1)[1]]
        self._check_body(response, promised.get("content", {}), said)

    def _check_body(self, response: TestResponse, content: dict[str, Any], said: str) -> None:
        if response.request.method == "HEAD" or not content:
            if response.data:
                raise ContractBroken(f"a body where none is promised: {said}")
            return
        kind = response.mimetype
        if kind not in content:
            raise ContractBroken(f"an undocumented content type {kind!r}: {said}")
        if kind.endswith("json"):
            value = orjson.loads(response.data)
            for fault in self.said.validator(content[kind]["schema"]).iter_errors(value):
                raise ContractBroken(f"{fault.message} at {fault.instance_path}: {said}")


class ContractClient(FlaskClient):
    """A client that fails loudly at an answer which the document does not promise."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:  # noqa: ANN401 - Flask's own
        """Send a request and check its answer before handing it on."""
        response = super().open(*args, **kwargs)
        contract_of(self.application).check(response)
        return response


def contract_of(app: Flask) -> Contract:
    """Return the contract of an application, made once."""
    return cast("Contract", app.extensions.setdefault("contract", Contract(app)))


def _documented(method: str) -> str:
    return "get" if method == "HEAD" else method.lower()
