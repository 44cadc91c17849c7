"""The wire format of delegation."""

from typing import Any

from marshmallow import post_load

from app.core.money import MAX_AMOUNT
from app.delegation.values import (
    TERMS,
    Action,
    Claim,
    Draft,
    Ending,
    Grant,
    Person,
    Side,
    StaffReason,
)
from app.http.fields import (
    UUID,
    Amount,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    Schema,
    Text,
    Title,
    validate,
)
from app.http.pagination import PageArgs

MOST_SCOPES = 20
_ACTIONS = [str(action) for action in Action]
_SIDES = [str(side) for side in Side]
_SERVICE = r"\*|[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"


def _choice(values: list[str], **more: Any) -> Text:  # noqa: ANN401 - a field's own options
    return Text(validate=[validate.OneOf(values)], pattern="|".join(values), **more)


def _cap() -> Integer:
    return Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_AMOUNT * 20),
        metadata={"description": "Minor units (fen)", "examples": [20000]},
    )


class NewScopeSchema(Schema):
    """One service of a mandate, or `*` for every one."""

    service = Text(required=True, pattern=_SERVICE, metadata={"examples": ["water-bill"]})
    actions = List(
        _choice(_ACTIONS),
        required=True,
        validate=validate.Length(min=1, max=len(_ACTIONS)),
        metadata={"examples": [["view", "pay"]], "uniqueItems": True},
    )
    cap_per_day = _cap()
    cap_total = _cap()

    @post_load
    def _grant(self, data: dict[str, Any], **_: object) -> Grant:
        actions = frozenset(Action(action) for action in data.pop("actions"))
        return Grant(actions=actions, **data)


class NewMandateSchema(Schema):
    """A mandate that is asked for; the other party is named by a mobile number."""

    named = _choice(
        _SIDES,
        required=True,
        metadata={
            "description": "Whom the number names: `delegate` when I give, `principal` when I ask"
        },
    )
    phone = Text(
        required=True, pattern=r"\+?[0-9]{8,15}", metadata={"examples": ["+8613807190001"]}
    )
    scopes = List(
        Nested(NewScopeSchema), required=True, validate=validate.Length(min=1, max=MOST_SCOPES)
    )
    days = Integer(
        required=True,
        validate=validate.OneOf(TERMS),
        metadata={"description": "1, 31, 182 or 365", "examples": [31]},
    )
    organisation_id = UUID(load_default=None, allow_none=True)
    for_organisation = Flag(
        load_default=False,
        metadata={"description": "The affairs are the organisation's, given by its representative"},
    )

    @post_load
    def _draft(self, data: dict[str, Any], **_: object) -> Draft:
        return Draft(
            named=Side(data["named"]),
            phone=data["phone"],
            grants=tuple(data["scopes"]),
            days=data["days"],
            organisation_id=data["organisation_id"],
            for_organisation=data["for_organisation"],
        )


class MandateFilterSchema(PageArgs):
    """Which mandates, and how many."""

    side = _choice(
        _SIDES,
        load_default=None,
        metadata={"description": "`principal`: given by me; `delegate`: given to me"},
    )


class PartySchema(Schema):
    """One of the two, masked; nothing is shown of somebody who has not taken part."""

    id = UUID(required=True, allow_none=True)
    name = Text(required=True, allow_none=True, metadata={"examples": ["张*"]})
    phone = Text(required=True, allow_none=True, metadata={"examples": ["138****0001"]})


class ScopeSchema(Schema):
    """One service of a mandate."""

    id = UUID(required=True)
    service = Text(required=True)
    title = Nested(Title, required=True)
    actions = List(Text(), required=True)
    cap_per_day = Amount(required=True, allow_none=True)
    cap_total = Amount(required=True, allow_none=True)
    revoked_at = Moment(required=True, allow_none=True)


class MandateOrganisationSchema(Schema):
    """The organisation that a mandate is about."""

    id = UUID(required=True)
    name = Text(required=True)


class MandateSchema(Schema):
    """A mandate as its parties see it."""

    id = UUID(required=True)
    status = Text(required=True, metadata={"examples": ["active"]})
    side = _choice(_SIDES, required=True, metadata={"description": "Which of the two I am"})
    principal = Nested(PartySchema, required=True)
    delegate = Nested(PartySchema, required=True)
    organisation = Nested(MandateOrganisationSchema, required=True, allow_none=True)
    for_organisation = Flag(required=True)
    days = Integer(required=True)
    scopes = List(Nested(ScopeSchema), required=True)
    consent = Text(required=True, allow_none=True, metadata={"examples": ["app"]})
    statement = Text(
        required=True,
        allow_none=True,
        lines=True,
        max_length=10_000,
        metadata={"description": "The text that was consented to"},
    )
    attestation = Text(
        required=True,
        allow_none=True,
        metadata={"description": "SHA-256 of the statement in UTF-8, hexadecimal"},
    )
    created_at = Moment(required=True)
    starts_at = Moment(required=True, allow_none=True)
    expires_at = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)


class ActSchema(Schema):
    """One thing that was done in somebody's name."""

    id = UUID(required=True)
    action = Text(required=True, metadata={"examples": ["pay"]})
    operation = Text(required=True, metadata={"examples": ["POST /v1/payments"]})
    principal_id = UUID(required=True)
    delegate_id = UUID(required=True)
    services = List(Text(), required=True)
    subject_id = UUID(
        required=True, allow_none=True, metadata={"description": "What was made, as a payment"}
    )
    amount = Amount(required=True, allow_none=True)
    at = Moment(required=True)


class NewActingTokenSchema(Schema):
    """The mandate, or the guardianship, that somebody is to act under."""

    mandate_id = UUID(required=True)


class ActingTokenSchema(Schema):
    """A token that names both (RFC 8693)."""

    access_token = Text(required=True, max_length=4096)
    token_type = Text(required=True, metadata={"examples": ["Bearer"]})
    issued_token_type = Text(required=True)
    expires_in = Integer(required=True, metadata={"description": "Seconds", "examples": [300]})
    mandate_id = UUID(required=True)
    principal_id = UUID(required=True)


class NewOrganisationSchema(Schema):
    """An organisation whose legal representative the caller is."""

    uscc = Text(
        required=True,
        max_length=18,
        pattern="[0-9A-Za-z]{18}",
        metadata={"examples": ["91420300MA0000001F"]},
    )
    name = Text(required=True, max_length=100, metadata={"examples": ["武当山茶业有限公司"]})

    @post_load
    def _claim(self, data: dict[str, Any], **_: object) -> Claim:
        return Claim(**data)


class OrganisationSchema(Schema):
    """An organisation as its own people see it."""

    id = UUID(required=True)
    status = Text(required=True, metadata={"examples": ["active"]})
    uscc = Text(required=True)
    name = Text(required=True)
    is_representative = Flag(required=True)
    created_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)


class PersonSchema(Schema):
    """Somebody's name and resident identity number."""

    name = Text(required=True, max_length=60, metadata={"examples": ["张伟"]})
    resident_id = Text(
        required=True, pattern="[0-9]{17}[0-9Xx]", metadata={"examples": ["420302198503120017"]}
    )

    @post_load
    def _person(self, data: dict[str, Any], **_: object) -> Person:
        return Person(**data)


class NewGuardianshipSchema(Schema):
    """The child whose guardian the caller is."""

    child = Nested(PersonSchema, required=True)


class GuardianshipSchema(Schema):
    """A guardianship as its people see it."""

    id = UUID(required=True)
    status = Text(required=True, metadata={"examples": ["active"]})
    side = _choice(_SIDES, required=True)
    source = Text(required=True, metadata={"examples": ["register"]})
    child_name = Text(required=True, metadata={"examples": ["王**"]})
    guardian_name = Text(required=True, allow_none=True, metadata={"examples": ["王*"]})
    has_account = Flag(required=True, metadata={"description": "Whether the child has an account"})
    created_at = Moment(required=True)
    ends_at = Moment(required=True, metadata={"description": "The eighteenth birthday"})
    ended_at = Moment(required=True, allow_none=True)
    ending = Text(required=True, allow_none=True)


class _ReasonSchema(Schema):
    reason = Text(required=True, min_length=4, max_length=400)


class CounterMandateSchema(_ReasonSchema):
    """A mandate that somebody gives at a counter, whose papers were looked at."""

    principal = Nested(PersonSchema, required=True)
    phone = Text(required=True, pattern=r"\+?[0-9]{8,15}")
    scopes = List(
        Nested(NewScopeSchema), required=True, validate=validate.Length(min=1, max=MOST_SCOPES)
    )
    days = Integer(required=True, validate=validate.OneOf(TERMS))

    @post_load
    def _case(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        draft = Draft(Side.DELEGATE, data["phone"], tuple(data["scopes"]), data["days"])
        return {"person": data["principal"], "draft": draft, "reason": data["reason"]}


class CounterConsentSchema(_ReasonSchema):
    """Consent that somebody gives at a counter, whose papers were looked at."""

    principal = Nested(PersonSchema, required=True)

    @post_load
    def _case(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return {"person": data["principal"], "reason": data["reason"]}


class CounterRefSchema(Schema):
    """Which record staff have made or changed."""

    id = UUID(required=True)
    status = Text(required=True)


class CounterGuardianshipSchema(_ReasonSchema):
    """A guardianship of which papers were shown at a counter."""

    guardian = Nested(PersonSchema, required=True)
    child = Nested(PersonSchema, required=True)


class EndingSchema(_ReasonSchema):
    """Why staff end a guardianship."""

    ending = _choice([Ending.COURT, Ending.STAFF], required=True)


class OrganisationStatusSchema(Schema):
    """What staff do to an organisation, and why."""

    status = _choice(["active", "suspended", "closed"], required=True)
    reason = _choice([str(reason) for reason in StaffReason], required=True)
