"""The form of a file of split rules: which members there are, and what each may hold."""

from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from app.core.money import MAX_AMOUNT
from app.ledger.values import FAMILIES, FeeBearer, PartKind, family_of

_APPLIES_TO = validate.Regexp(
    r"^(payee|service):[a-z0-9][a-z0-9-]{0,62}\Z", error="Must be payee:… or service:…."
)
_SPLITTABLE = {FAMILIES["payee"], FAMILIES["platform-fee"]}
_PLACES = -4
_FULL = 100


class _Strict(Schema):
    """A table without members that nobody reads."""

    class Meta:
        unknown = RAISE


def _is_account(code: str) -> None:
    if family_of(code) not in _SPLITTABLE:
        raise ValidationError("Must be payee:… or platform-fee.")


def _is_percent(value: object) -> None:
    if type(value) not in {int, Decimal}:
        raise ValidationError("Must be a number.")
    exact = Decimal(str(value))
    if not exact.is_finite() or not 0 < exact <= _FULL or int(exact.as_tuple().exponent) < _PLACES:
        raise ValidationError("Must be above 0, at most 100, with four decimals at most.")


class PartSchema(_Strict):
    """One part: `amount` in fen for a fixed one, `percent` for a percent one."""

    account = fields.String(required=True, validate=_is_account)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in PartKind]))
    amount = fields.Integer(strict=True, validate=validate.Range(min=1, max=MAX_AMOUNT))
    percent = fields.Raw(validate=_is_percent)
    priority = fields.Integer(strict=True, validate=validate.Range(min=0, max=99))

    @validates_schema
    def _check_size(self, data: dict[str, Any], **_: object) -> None:
        needs = {PartKind.FIXED: {"amount"}, PartKind.PERCENT: {"percent"}}
        has = {"amount", "percent"} & data.keys()
        if has != needs.get(data["kind"], set()):
            raise ValidationError(
                "`amount` is for fixed parts, `percent` for percent parts.", "kind"
            )


class VersionSchema(_Strict):
    """One version of a rule; its parts must always be able to take the whole amount."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    valid_from = fields.Raw(required=True)
    fee_bearer = fields.String(
        required=True, validate=validate.OneOf([bearer.value for bearer in FeeBearer])
    )
    parts = fields.List(
        fields.Nested(PartSchema), required=True, validate=validate.Length(min=1, max=20)
    )

    @validates_schema
    def _check_whole(self, data: dict[str, Any], **_: object) -> None:
        if getattr(data["valid_from"], "utcoffset", lambda: None)() is None:
            raise ValidationError("Must be a date and time with an offset.", "valid_from")
        parts = data["parts"]
        accounts = [part["account"] for part in parts]
        if len(set(accounts)) != len(accounts):
            raise ValidationError("An account stands twice.", "parts")
        remainders = sum(part["kind"] == PartKind.REMAINDER for part in parts)
        percents = sum(Decimal(str(part["percent"])) for part in parts if "percent" in part)
        is_full = percents == _FULL and remainders == 0
        if not is_full and not (remainders == 1 and percents < _FULL):
            raise ValidationError(
                "Needs one remainder with percents below 100, or none with exactly 100.", "parts"
            )


class SplitFileSchema(_Strict):
    """The whole of one file of `config/splits`: every version that there ever was, in order."""

    applies_to = fields.String(required=True, validate=_APPLIES_TO)
    versions = fields.List(
        fields.Nested(VersionSchema), required=True, validate=validate.Length(min=1)
    )
