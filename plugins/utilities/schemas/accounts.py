"""The wire format of accounts."""

from typing import Any

from marshmallow import post_load

from app.sdk import Schema, fields
from plugins.utilities.schemas.common import BILLER
from plugins.utilities.values import (
    ACCOUNT_NUMBER,
    MAX_HOLDER_NAME,
    NewAccount,
    NewLookUp,
)


class NewAccountSchema(Schema):
    """An account to link: its holder's name as it stands on the biller's letters."""

    biller = fields.Text(required=True, validate=[BILLER])
    number = fields.Text(required=True, max_length=32, pattern=ACCOUNT_NUMBER)
    holder_name = fields.Text(required=True, max_length=MAX_HOLDER_NAME)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewAccount:
        return NewAccount(**data)


class AccountSchema(Schema):
    """A linked account; its number is never shown in full."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    number_masked = fields.Text(required=True)
    status = fields.Text(required=True)
    linked_at = fields.Moment(required=True)
    refreshed_at = fields.Moment(required=True, allow_none=True)
    moved_out_on = fields.Date(required=True, allow_none=True)


class MoveOutSchema(Schema):
    """The last day on which one lives there."""

    last_day = fields.Date(required=True)


class NewLookUpSchema(Schema):
    """Somebody else's account: its number, and how its holder's name begins."""

    biller = fields.Text(required=True, validate=[BILLER])
    number = fields.Text(required=True, max_length=32, pattern=ACCOUNT_NUMBER)
    family_name = fields.Text(required=True, max_length=MAX_HOLDER_NAME)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> NewLookUp:
        return NewLookUp(**data)


class FoundAccountSchema(Schema):
    """What somebody else's account owes; an order for it can be minted until `expires_at`."""

    id = fields.UUID(required=True)
    biller = fields.Text(required=True)
    service = fields.Text(required=True)
    number_masked = fields.Text(required=True)
    holder_masked = fields.Text(required=True)
    owed = fields.Amount(required=True)
    currency = fields.Currency(required=True)
    open_bills = fields.Integer(required=True)
    expires_at = fields.Moment(required=True)
