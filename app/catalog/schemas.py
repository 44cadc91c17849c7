"""The wire format of the catalogue; answers are made ready once, and tests hold them to this."""

import unicodedata
from typing import Any

from marshmallow import post_load

from app.catalog.values import (
    ACTIONS,
    AUDIENCES,
    CHANNELS,
    KINDS,
    MOST_FAVOURITES,
    NECESSITIES,
    POPULAR,
    SOURCES,
    UNITS,
    MatchedBy,
    ServiceFilter,
)
from app.core.tokens import LEVELS
from app.http.fields import (
    Amount,
    Currency,
    Flag,
    Integer,
    List,
    Moment,
    Nested,
    QueryInteger,
    Raw,
    Schema,
    Text,
    Title,
    validate,
)
from app.http.pagination import PageArgs

_SLUG = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"


class SearchText(Text):
    """What somebody typed: brought into normal form C rather than refused for its lack."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
        typed = unicodedata.normalize("NFC", value) if isinstance(value, str) else value
        return super()._deserialize(typed, *args, **kwargs).strip()


def _choice(*values: str, **metadata: Any) -> Text:  # noqa: ANN401 - marshmallow's own options
    return Text(validate=[validate.OneOf(values)], load_default=None, metadata=metadata)


class ServiceArgsSchema(PageArgs):
    """Which services to list; every argument narrows the list further."""

    q = SearchText(
        load_default=None,
        min_length=0,
        max_length=64,
        metadata={
            "description": "Chinese, pinyin, initials, a synonym or English; one typo is forgiven",
            "examples": ["shuifei"],
        },
    )
    category = Text(load_default=None, pattern=_SLUG, metadata={"examples": ["living"]})
    department = Text(load_default=None, pattern=_SLUG, metadata={"examples": ["water-bureau"]})
    action = _choice(*ACTIONS, description="query 查, book 约, pay 缴, handle 办")
    assurance = _choice(*LEVELS, description="The assurance that the service asks for")
    audience = _choice(*AUDIENCES, description="A service for both is for each of them")
    kind = _choice(*KINDS, description="What provides the service")
    sort = _choice(POPULAR, description="Only what is popular, the most used first")

    @post_load
    def _page(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        asked = super()._page(data)
        page = asked.pop("page")
        return {"wanted": ServiceFilter(**{**asked, "q": asked["q"] or None}), "page": page}


class LocalTextSchema(Schema):
    """A text in Chinese, and where it has been translated in English."""

    zh = Text(required=True)
    en = Text()


class CategorySchema(Schema):
    """One of the categories of the service entry, and how many services it has."""

    id = Text(required=True, metadata={"examples": ["living"]})
    title = Nested(Title, required=True)
    icon = Text(required=True)
    services = Integer(required=True)


class ContactSchema(Schema):
    """Where to ask a department."""

    phone = Text(required=True, metadata={"examples": ["12345"]})
    address = Text(required=True)


class DepartmentNameSchema(Schema):
    """The department that answers for a service."""

    id = Text(required=True, metadata={"examples": ["water-bureau"]})
    title = Nested(Title, required=True)


class ServiceDepartmentSchema(DepartmentNameSchema):
    """The department that answers for a service, and how to reach it."""

    short = Nested(LocalTextSchema, required=True)
    contact = Nested(ContactSchema, required=True)


class DepartmentSchema(ServiceDepartmentSchema):
    """A department, and how many services it has."""

    services = Integer(required=True)


class _SaidSchema(Schema):
    id = Text(required=True, metadata={"examples": ["water-bill"]})
    title = Nested(Title, required=True)
    category = Text(required=True)
    kind = Text(required=True, validate=[validate.OneOf(KINDS)])
    action = Text(required=True, validate=[validate.OneOf(ACTIONS)])
    assurance = Text(required=True, validate=[validate.OneOf(LEVELS)])
    audience = Text(required=True, validate=[validate.OneOf(AUDIENCES)])


class _ServiceBaseSchema(_SaidSchema):
    available = Flag(required=True)
    unavailable_reason = Nested(Title, required=True, allow_none=True)
    expected_return = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "When it should be back, where that is known"},
    )
    has_page = Flag(
        required=True,
        metadata={"description": "The provider has a page for it: `POST …/entry` leads there"},
    )


class ServiceSummarySchema(_ServiceBaseSchema):
    """A service in a list; `matched_by` says why a search found it."""

    department = Nested(DepartmentNameSchema, required=True)
    matched_by = Text(
        required=True,
        allow_none=True,
        validate=[validate.OneOf([*MatchedBy, None])],
        metadata={"description": "The order of the reasons is the order of the hits"},
    )


class MaterialSchema(Schema):
    """One thing to bring, and where it comes from."""

    name = Nested(Title, required=True)
    necessity = Text(required=True, validate=[validate.OneOf(NECESSITIES)])
    source = Text(
        required=True,
        validate=[validate.OneOf(SOURCES)],
    )


class LimitSchema(Schema):
    """How long it may take."""

    days = Integer(required=True)
    unit = Text(required=True, validate=[validate.OneOf(UNITS)])


class FeeSchema(Schema):
    """What it costs, and by which rule."""

    name = Nested(LocalTextSchema, required=True)
    amount = Amount(required=True)
    currency = Currency(required=True)
    basis = Nested(LocalTextSchema, required=True)


class _WholeSchema(_SaidSchema):
    keywords = List(Text(), required=True)
    conditions = List(Nested(LocalTextSchema), required=True)
    materials = List(Nested(MaterialSchema), required=True)
    statutory_limit = Nested(LimitSchema, required=True, allow_none=True)
    promised_limit = Nested(LimitSchema, required=True, allow_none=True)
    fees = List(Nested(FeeSchema), required=True)
    channels = List(
        Text(validate=[validate.OneOf(CHANNELS)]),
        required=True,
    )
    results = List(Nested(LocalTextSchema), required=True)


class ServiceSchema(_WholeSchema, _ServiceBaseSchema):
    """Everything a citizen needs to know before using a service."""

    department = Nested(ServiceDepartmentSchema, required=True)
    version = Integer(
        required=True, metadata={"description": "Of this entry; a version never changes"}
    )


class ServiceVersionLineSchema(Schema):
    """One version of a service in the list of them."""

    version = Integer(required=True)
    catalogue = Integer(
        required=True, metadata={"description": "The number of the whole catalogue it came with"}
    )
    published_at = Moment(required=True)
    withdrawn = Flag(required=True)


class ServiceContentSchema(_WholeSchema):
    """What a version of a service says; the department by its id."""

    department = Text(required=True)


class ServiceVersionSchema(ServiceVersionLineSchema):
    """A version of a service, which is the same for ever."""

    id = Text(required=True)
    content = Nested(ServiceContentSchema, required=True)


class ChangesArgsSchema(Schema):
    """Which version to compare with."""

    since = QueryInteger(
        load_default=None,
        validate=validate.Range(min=0),
        metadata={"description": "The one before unless it is named; 0 is before there was any"},
    )


class ServiceChangeSchema(Schema):
    """One member that was changed; null where there was none, or is none any more."""

    member = Text(required=True, metadata={"examples": ["fees"]})
    before = Raw(required=True, allow_none=True)
    after = Raw(required=True, allow_none=True)


class ServiceChangesSchema(Schema):
    """What a version of a service says otherwise than another."""

    id = Text(required=True)
    since = Integer(required=True)
    version = Integer(required=True)
    changes = List(Nested(ServiceChangeSchema), required=True)


class FavouriteOrderSchema(Schema):
    """Each of the favourites that are shown, once, in the order that is wanted."""

    services = List(
        Text(pattern=_SLUG, metadata={"examples": ["water-bill"]}),
        required=True,
        validate=validate.Length(max=MOST_FAVOURITES),
    )


class ServiceHabitsSchema(Schema):
    """Whether the services that a citizen uses are kept for them; `false` forgets what was."""

    keeps_recent = Flag(required=True)
