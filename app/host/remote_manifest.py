"""What a remote provider says of itself: the rules of every manifest, and those of addresses."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from app.core import jose
from app.core.egress import EgressRefused, check_address
from app.host.declared_operations import operation_faults, operations_field
from app.host.manifest import flatten, sense_faults
from app.host.manifest_schema import ManifestSchema, ServiceSchema, Strict
from app.host.rules import City
from app.providers.values import KEY_ID, MOST_KEYS
from app.sdk.wire import CONTRACT

LONGEST_TEXT = 500
LONGEST_URL = 500
_CONTACT = re.compile(r"[^\s@]{1,64}@[A-Za-z0-9.-]{3,190}|\+?[0-9][0-9 -]{4,30}")
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*")
_TARGET = re.compile(r"(?:/[A-Za-z0-9._~{}=&?-]*)*")
_INDEX = re.compile(r"\[(\d+)\]")


class KeySchema(Strict):
    """A public Ed25519 key (RFC 8037)."""

    kid = fields.String(required=True, validate=validate.Regexp(rf"^(?:{KEY_ID})\Z"))
    kty = fields.String(required=True, validate=validate.Equal("OKP"))
    crv = fields.String(required=True, validate=validate.Equal("Ed25519"))
    x = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{43}\Z"))
    use = fields.String(validate=validate.Equal("sig"))
    alg = fields.String(validate=validate.OneOf(["EdDSA", "Ed25519"]))


class EntrySchema(Strict):
    """Where a provider's own page is entered; `{service}` stands for the id of the service."""

    client_id = fields.UUID(required=True)
    initiate_login_uri = fields.String(required=True)
    target_link_uri = fields.String(required=True)


class RemoteServiceSchema(ServiceSchema):
    """One service of a remote provider: it may have operations besides."""

    operations = operations_field()


class RemoteManifestSchema(ManifestSchema):
    """The manifest of a remote provider: that of a plug-in, without what is about its code."""

    class Meta(Strict.Meta):
        exclude = ("sdk", "provider", "settings", "tier")

    contract = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Equal(CONTRACT, error="This house speaks contract {other} only."),
    )
    base_url = fields.String(required=True)
    keys = fields.List(
        fields.Nested(KeySchema), required=True, validate=validate.Length(min=1, max=MOST_KEYS)
    )
    entry = fields.Nested(EntrySchema)
    services = fields.List(
        fields.Nested(RemoteServiceSchema), required=True, validate=validate.Length(min=1)
    )
    support = fields.String(
        required=True,
        validate=validate.Regexp(
            rf"^(?:{_CONTACT.pattern})\Z", error="Must be an address of mail, or a telephone."
        ),
    )


def check_remote_manifest(
    manifest: Mapping[str, Any], config: Path, loopback: Collection[str]
) -> list[dict[str, str]]:
    """Return what is wrong with a manifest: a pointer and a message for each place.

    `config` is the folder that says what the city has; `loopback` are the pairs of host and port
    that may be spoken to over plain http.
    """
    schema: Schema = RemoteManifestSchema()
    try:
        schema.load(dict(manifest))
    except ValidationError as error:
        return [_fault(place, message) for place, message in flatten(error.messages, "")]
    faults = [_fault(place, "Has hidden characters, or is too long.") for place in _texts(manifest)]
    faults += [
        _fault("", f"{fault.rule} Cure: {fault.cure}.")
        for fault in sense_faults("manifest", {**manifest, "provider": "Remote"})
    ]
    return [
        *faults,
        *_foreign(manifest, City.read(config)),
        *_addresses(manifest, loopback),
        *_keys(manifest),
        *(_fault(place, message) for place, message in operation_faults(manifest)),
    ]


def _fault(place: str, message: str) -> dict[str, str]:
    path = _INDEX.sub(r".\1", place)
    return {"pointer": "/manifest" + "".join(f"/{part}" for part in path.split(".") if part)} | {
        "message": message
    }


def _texts(value: object, place: str = "") -> Iterator[str]:
    """Yield the place of each text that people could not see as it is."""
    if isinstance(value, str):
        bad = any(unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for sign in value)
        if bad or len(value) > LONGEST_TEXT or not unicodedata.is_normalized("NFC", value):
            yield place
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{place}[{number}]")


def _foreign(manifest: Mapping[str, Any], city: City) -> Iterator[dict[str, str]]:
    """Find departments and categories that are not the city's, and ids that are."""
    if manifest["owner"] not in city.departments:
        yield _fault("owner", "There is no such department.")
    for number, service in enumerate(manifest["services"]):
        place = f"services[{number}]"
        if service["department"] not in city.departments:
            yield _fault(f"{place}.department", "There is no such department.")
        if service["category"] not in city.categories:
            yield _fault(f"{place}.category", "There is no such category.")
        if service["id"] in city.catalogue:
            yield _fault(f"{place}.id", "This id is one of the city's own services.")


def _addresses(manifest: Mapping[str, Any], loopback: Collection[str]) -> Iterator[dict[str, str]]:
    if not _is_address(manifest["base_url"], _PATH, loopback):
        said = "Must be https with a name and a plain path, without a slash at its end."
        yield _fault("base_url", said)
    entry = manifest.get("entry", {})
    for name in ("initiate_login_uri", "target_link_uri"):
        if name in entry and not _is_address(entry[name], _TARGET, loopback):
            yield _fault(f"entry.{name}", "Must be https with a name, without a fragment.")


def _is_address(url: str, path: re.Pattern[str], loopback: Collection[str]) -> bool:
    try:
        parts = urlsplit(url)
        check_address(f"{parts.scheme}://{parts.netloc}", frozenset(loopback))
    except (ValueError, EgressRefused):
        return False
    rest = url.partition("://")[2][len(parts.netloc) :]
    return len(url) <= LONGEST_URL and path.fullmatch(rest) is not None


def _keys(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    seen: set[str] = set()
    for number, key in enumerate(manifest["keys"]):
        if {key["kid"], key["x"]} & seen:
            yield _fault(f"keys[{number}]", "The id or the key stands twice.")
        seen |= {key["kid"], key["x"]}
        try:
            jose.check_public_key(key)
        except jose.JoseInvalid:
            yield _fault(f"keys[{number}].x", "Not a public key.")
