"""The wire format of the trail."""

from typing import Any

from marshmallow import post_load

from app.audit.values import EntryFilter
from app.http.fields import (
    UUID,
    Dict,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    QueryInteger,
    Raw,
    Schema,
    Text,
    validate,
)
from app.http.pagination import PageArgs

RESULTS = ("done", "refused")
_FILTERS = ("event", "actor", "subject", "result", "since", "until")


class EntryFilterSchema(PageArgs):
    """Which entries to list."""

    event = Text(load_default=None, pattern=r"[a-z0-9._-]+", metadata={"description": "Its name"})
    actor = Text(
        load_default=None,
        pattern=r"[\x20-\x7e]+",
        metadata={"description": "Who acted, such as `staff:{id}`"},
    )
    subject = UUID(load_default=None, metadata={"description": "The citizen whom it concerns"})
    result = Text(load_default=None, validate=[validate.OneOf(RESULTS)])
    since = Moment(load_default=None, metadata={"description": "From this moment on"})
    until = Moment(load_default=None, metadata={"description": "Before this moment"})

    @post_load
    def _filter(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        wanted = EntryFilter(**{name: data.pop(name) for name in _FILTERS})
        return {**data, "wanted": wanted}


class AuditEntrySchema(Schema):
    """One access or act of security."""

    number = Integer(required=True)
    id = UUID(required=True)
    at = Moment(required=True)
    actor = Text(required=True)
    actor_kind = Text(required=True)
    event = Text(required=True)
    subject_id = UUID(required=True, allow_none=True)
    result = Text(required=True, validate=[validate.OneOf(RESULTS)])
    address = Text(required=True, allow_none=True)
    request_id = Text(required=True, allow_none=True)
    details = Dict(keys=Text(), values=Raw(), required=True)
    writer = UUID(required=True)
    sequence = Integer(required=True)


class AuditSealSchema(Schema):
    """A signed statement over a batch of entries.

    The signature is Ed25519 over `wudang-audit`, a line feed, and this without `signature` as
    canonical JSON (RFC 8785).
    """

    v = Integer(required=True)
    kind = Text(required=True)
    number = Integer(required=True)
    first = Integer(required=True)
    last = Integer(required=True)
    entries = Integer(required=True)
    root = Text(required=True)
    previous = Text(required=True)
    forged = List(Integer(), required=True)
    at = Text(required=True)
    key = Text(required=True)
    signature = Text(required=True)


class InclusionProofSchema(Schema):
    """That a leaf lies in a sealed tree (RFC 9162, 2.1.3), hashed with SHA-256.

    `leaf` is the exact text to hash, after a zero byte; `path` leads from it to the seal's root.
    """

    leaf = Text(required=True, max_length=20_000)
    index = Integer(required=True)
    size = Integer(required=True)
    path = List(Text(), required=True)
    seal = Nested(AuditSealSchema, required=True)


class ActivitySchema(Schema):
    """One thing that happened to the citizen; its proof is there once it is sealed."""

    id = UUID(required=True)
    at = Moment(required=True)
    event = Text(required=True)
    title_zh = Text(required=True)
    title_en = Text(required=True)
    result = Text(required=True, validate=[validate.OneOf(RESULTS)])
    by = Text(required=True)
    address = Text(required=True, allow_none=True)
    details = Dict(keys=Text(), values=Raw(), required=True)
    proof = Nested(InclusionProofSchema, required=True, allow_none=True)


class VerificationArgs(Schema):
    """Which seals to verify; all, and what is not sealed yet, unless it says otherwise."""

    first_seal = QueryInteger(load_default=None, validate=validate.Range(min=1, max=2**31 - 1))
    last_seal = QueryInteger(load_default=None, validate=validate.Range(min=1, max=2**31 - 1))


class TrailFaultSchema(Schema):
    """The first thing that is wrong: what, in which seal, at which entry."""

    code = Text(required=True)
    detail = Text(required=True)
    seal = Integer(required=True, allow_none=True)
    entry = Integer(required=True, allow_none=True)


class TrailFindingSchema(Schema):
    """What was looked at and found; go on after `last_seal` when it is not complete."""

    is_sound = Flag(required=True)
    is_complete = Flag(required=True)
    first_seal = Integer(required=True, allow_none=True)
    last_seal = Integer(required=True, allow_none=True)
    seals = Integer(required=True)
    entries = Integer(required=True)
    fault = Nested(TrailFaultSchema, required=True, allow_none=True)


class AuditKeySchema(Schema):
    """A public key that seals are verified with."""

    id = Text(required=True)
    algorithm = Text(required=True)
    public_key = Text(required=True, metadata={"description": "32 bytes in hexadecimal"})
    is_current = Flag(required=True)


class AuditKeysSchema(Schema):
    """Every key that a seal may be signed with."""

    items = List(Nested(AuditKeySchema), required=True)
