"""The door: the complete list of names a plug-in may use.

A plug-in imports from here, from `app.sdk.testing` in its tests, and nothing else of the house.
A name is added only together with a plug-in that uses it.
"""

from app.core.clock import CITY_TIME, city_date, city_day, now
from app.core.crypto import mask_number
from app.core.db import APPEND_ONLY, Stateful, base_for
from app.core.deadline import within
from app.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unavailable,
)
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.trail import AuditEvent
from app.core.unit_of_work import UnitOfWork
from app.http import fields
from app.http.blueprint import Blueprint
from app.http.fields import Schema
from app.http.pagination import PageArgs
from app.sdk.attempts import AttemptLimit, counted_attempt
from app.sdk.context import (
    acts_within,
    citizen,
    deps,
    integrator,
    officer,
    request_unit,
    staff_department,
)
from app.sdk.history import Move, history
from app.sdk.http import HttpClient, NoAnswer, Reply
from app.sdk.ics import ics_lines, ics_moment, ics_text
from app.sdk.provider import (
    ApplicationStep,
    Certificate,
    Citizen,
    Fulfilment,
    Guest,
    House,
    OutcomeUnknown,
    Payable,
    PayableProvider,
    PaymentNotice,
    Periodic,
    PersonalData,
    Provider,
)
from app.sdk.reading import Reader
from app.sdk.vault import Vault

SDK_VERSION = 1

__all__ = [
    "APPEND_ONLY",
    "CITY_TIME",
    "SDK_VERSION",
    "ApplicationStep",
    "AttemptLimit",
    "AuditEvent",
    "Blueprint",
    "Certificate",
    "Citizen",
    "Conflict",
    "DomainError",
    "Forbidden",
    "Fulfilment",
    "Guest",
    "House",
    "HttpClient",
    "Invalid",
    "Move",
    "NoAnswer",
    "NotFound",
    "OutcomeUnknown",
    "Page",
    "PageArgs",
    "PageRequest",
    "Payable",
    "PayableProvider",
    "PaymentNotice",
    "Periodic",
    "PersonalData",
    "Provider",
    "RateLimited",
    "Reader",
    "Reply",
    "Schema",
    "Stateful",
    "Unavailable",
    "UnitOfWork",
    "Vault",
    "acts_within",
    "base_for",
    "citizen",
    "city_date",
    "city_day",
    "counted_attempt",
    "deps",
    "fetch_page",
    "fields",
    "history",
    "ics_lines",
    "ics_moment",
    "ics_text",
    "integrator",
    "mask_number",
    "new_id",
    "now",
    "officer",
    "request_unit",
    "staff_department",
    "within",
]
