"""Reads what certificates a plug-in issues and looks for, without running any of its code."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate
from stdnum.cn import uscc

from app.catalog.service.entry_schemas import TitleEntrySchema
from app.certificates.values import CertificateType, Field, FieldKind
from app.consent.values import Basis
from app.host.manifest import Fault, Manifest, PluginRefused, flatten, read_toml
from app.host.manifest_schema import Strict, choice, kebab, matching

FILE = "certificates.toml"
RESERVED = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "vct", "status", "vct_integrity"),
        *("number", "issuer", "valid_until", "_sd", "_sd_alg"),
    }
)
"""What a credential says besides its fields (RFC 7519, RFC 9901, SD-JWT VC): no field may be it."""

_USCC = r"[0-9]{8}[0-9A-HJ-NPQRTUWXY]{10}"
_USCC_LENGTH = 18


class FieldSchema(Strict):
    """One field of a type."""

    id = matching(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", "lower-case words joined by underscores")
    title = fields.Nested(TitleEntrySchema, required=True)
    kind = choice(*FieldKind)
    personal = fields.Boolean(required=True, truthy={True}, falsy={False})
    selective = fields.Boolean(truthy={True}, falsy={False})


class TypeSchema(Strict):
    """One type of certificates."""

    id = kebab()
    code = matching(_USCC + r"[0-9]{3}", "a social credit code and three digits (GB/T 36904)")
    title = fields.Nested(TitleEntrySchema, required=True)
    issuer = kebab()
    issuer_code = matching(_USCC, "a social credit code (GB 32100)")
    issuer_title = fields.Nested(TitleEntrySchema, required=True)
    holder = fields.String(required=True)
    longest_days = fields.Integer(strict=True, validate=validate.Range(min=1, max=36_525))
    fields_ = fields.List(
        fields.Nested(FieldSchema),
        required=True,
        validate=validate.Length(min=1, max=40),
        data_key="fields",
    )


class NeedSchema(Strict):
    """Another plug-in's type that this one looks for."""

    type = kebab()
    basis = choice(*(basis.value for basis in Basis if basis is not Basis.CONSENT))
    purpose = fields.Nested(TitleEntrySchema, required=True)


class CertificatesSchema(Strict):
    """The whole of `certificates.toml`."""

    types = fields.List(fields.Nested(TypeSchema))
    needs = fields.List(fields.Nested(NeedSchema))


@dataclass(frozen=True, slots=True)
class Need:
    """On which ground of the law a plug-in may see that a citizen holds a type of another's."""

    type: str
    basis: Basis
    purpose: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeclaredCertificates:
    """What a plug-in issues and looks for, each by the type's id."""

    types: Mapping[str, CertificateType]
    needs: Mapping[str, Need]


def read_certificates(manifest: Manifest) -> DeclaredCertificates:
    """Return what a plug-in's file says, nothing without one; raise `PluginRefused`."""
    path = manifest.folder / FILE
    if not path.is_file():
        return DeclaredCertificates({}, {})
    file = certificates_file(manifest)
    raw = read_toml(file, path)
    faults = list(_field_faults(file, raw)) or list(_sense_faults(file, raw))
    if faults:
        raise PluginRefused(faults)
    types = [_type(manifest.name, one) for one in raw.get("types", ())]
    needs = [Need(n["type"], Basis(n["basis"]), n["purpose"]) for n in raw.get("needs", ())]
    return DeclaredCertificates({t.id: t for t in types}, {n.type: n for n in needs})


def certificates_file(manifest: Manifest) -> str:
    """Return the file's path as people name it."""
    return f"{manifest.folder.parent.name}/{manifest.name}/{FILE}"


def _field_faults(file: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        CertificatesSchema().load(dict(raw))
    except ValidationError as error:
        for place, message in flatten(error.messages, ""):
            yield Fault(file, f"`{place}`: {message}", "write it as docs/plugins.md does")


def _sense_faults(file: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Find what each member allows by itself and the whole does not."""
    types = raw.get("types", [])
    for what, names in (
        ("types", [one["id"] for one in types]),
        ("needs", [one["type"] for one in raw.get("needs", [])]),
    ):
        for name, times in Counter(names).items():
            if times > 1:
                yield Fault(file, f"`{what}`: {name!r} stands {times} times.", "keep one of them")
    for one in types:
        yield from _sense_of_type(file, one)


def _sense_of_type(file: str, one: Mapping[str, Any]) -> Iterator[Fault]:
    for member in ("code", "issuer_code"):
        given = one[member][:_USCC_LENGTH]
        right = uscc.calc_check_digit(given[:-1])
        if given[-1] != right:
            rule = f"`{member}` of {one['id']}: {given} is no social credit code (GB 32100)."
            yield Fault(file, rule, f"look it up; its last character would be {right}")
    own = {field["id"]: field for field in one["fields"]}
    if len(own) < len(one["fields"]):
        yield Fault(file, f"{one['id']} has two fields of one id.", "give each its own id")
    for name in sorted(own.keys() & RESERVED):
        rule = f"{one['id']} has a field {name!r}, which a credential says otherwise."
        yield Fault(file, rule, "choose another id")
    if one["holder"] not in own or not own[one["holder"]]["personal"]:
        rule = f"`holder` of {one['id']} is no personal field of it."
        yield Fault(file, rule, "name the field that says who holds it")
    for field in own.values():
        if field["personal"] and not field.get("selective", True):
            rule = f"{field['id']} of {one['id']} is personal and would be shown to everybody."
            yield Fault(file, rule, "leave `selective` out")


def _type(plugin: str, raw: Mapping[str, Any]) -> CertificateType:
    return CertificateType(
        id=raw["id"],
        plugin=plugin,
        code=raw["code"],
        title=raw["title"],
        issuer=raw["issuer"],
        issuer_code=raw["issuer_code"],
        issuer_title=raw["issuer_title"],
        holder=raw["holder"],
        longest_days=raw.get("longest_days"),
        fields=tuple(
            Field(
                id=field["id"],
                title=field["title"],
                kind=FieldKind(field["kind"]),
                personal=field["personal"],
                selective=field.get("selective", True),
            )
            for field in raw["fields"]
        ),
    )
