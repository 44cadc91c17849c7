"""What the police accept, and how they show what they hold."""

import functools
import hashlib
import io
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from PIL import Image, ImageDraw, ImageFont

from sandbox.police.cases import AUTHORITY, status_of
from sandbox.police.notices import TAKEN, Call, Notice
from sandbox.police.registry import LICENCE_DIGITS
from sandbox.register.resident_id import is_resident_id
from sandbox.wire import Day

# The letters I and O are on no plate; one with six places is a new-energy vehicle's.
_PLATE = validate.Regexp(r"[\u4e00-\u9fff][A-Z][0-9A-HJ-NP-Z]{5,6}\Z")
_ENGINE = validate.Regexp(r"[0-9A-Za-z]{6,32}\Z")
_ENGINE_END = validate.Regexp(r"[0-9A-Za-z]{6}\Z")
_SECOND_FACT = validate.Regexp(r"(?:[0-9A-Za-z]{6}|[0-9]{3}[0-9Xx])\Z")
_ARCHIVE = validate.Regexp(r"[0-9]{12}\Z")
_CODE = validate.Regexp(r"[0-9A-Z]{4,8}\Z")
_WORDS = validate.Length(min=1, max=200)
_POINTS = validate.OneOf([0, 1, 3, 6, 9, 12])
_MOST = 10**8
_FINE = validate.Range(1, _MOST)
_KEY = validate.Length(min=1, max=255)
_EVIDENCE = 2


def _is_licence(text: str) -> None:
    if not is_resident_id(text):
        raise ValidationError("Not a valid licence number.")


class Search(Schema):
    """Two facts of a vehicle, or two of a licence."""

    plate = fields.String(validate=_PLATE)
    engine = fields.String(validate=_ENGINE_END)
    licence = fields.String(validate=_is_licence)
    archive = fields.String(validate=_ARCHIVE)

    @validates_schema
    def check_pair(self, data: dict[str, Any], **_: object) -> None:
        """Refuse anything but one of the two pairs."""
        if data.keys() not in ({"plate", "engine"}, {"licence", "archive"}):
            raise ValidationError("Either plate and engine, or licence and archive.", "_schema")


class SecondFact(Schema):
    """The last digits of an engine, or of a licence."""

    digits = fields.String(required=True, validate=_SECOND_FACT)


class NewVehicle(Schema):
    """A vehicle to register."""

    plate = fields.String(required=True, validate=_PLATE)
    engine = fields.String(required=True, validate=_ENGINE)
    vehicle_class = fields.String(load_default="小型汽车", data_key="class", validate=_WORDS)


class NewLicence(Schema):
    """A licence to issue."""

    licence = fields.String(required=True, validate=_is_licence)
    archive = fields.String(required=True, validate=_ARCHIVE)
    issued_on = Day(required=True)
    licence_class = fields.String(load_default="C1", data_key="class", validate=_WORDS)


class _Title(Schema):
    zh = fields.String(required=True, validate=_WORDS)
    en = fields.String(required=True, validate=_WORDS)


class _Offence(Schema):
    title = fields.Nested(_Title, required=True)
    legal_basis = fields.String(required=True, validate=_WORDS)
    points = fields.Integer(required=True, strict=True, validate=_POINTS)
    usual_fine = fields.Integer(load_default=20_000, strict=True, validate=_FINE)


class _Speed(Schema):
    measured = fields.Integer(required=True, strict=True, validate=validate.Range(1, 500))
    limit = fields.Integer(required=True, strict=True, validate=validate.Range(1, 200))


class NewViolation(Schema):
    """A violation to record."""

    plate = fields.String(required=True, validate=_PLATE)
    driver = fields.String(load_default=None, allow_none=True, validate=_is_licence)
    offence_code = fields.String(load_default="1625", validate=_CODE)
    offence = fields.Nested(_Offence, load_default=None)
    place = fields.String(load_default="人民中路与公园路路口", validate=_WORDS)
    at = fields.AwareDateTime(required=True, format="iso")
    speed = fields.Nested(_Speed, load_default=None)
    officer = fields.String(load_default="420300117", validate=validate.Regexp(r"[0-9]{6,12}\Z"))


class _Decision(Schema):
    kind = fields.String(
        load_default="penalty", validate=validate.OneOf(["penalty", "warning", "exempt"])
    )
    fine = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(0, _MOST)
    )
    points = fields.Integer(load_default=None, allow_none=True, strict=True, validate=_POINTS)

    @validates_schema
    def check_fine(self, data: dict[str, Any], **_: object) -> None:
        """Refuse a penalty without money, and money without a penalty."""
        if data["fine"] is not None and (data["kind"] == "penalty") != (data["fine"] > 0):
            raise ValidationError("A penalty has a fine, and nothing else has.", "fine")


class CityDecision(_Decision):
    """A decision that was made in the city's system."""

    key = fields.String(required=True, validate=_KEY)
    reason = fields.String(required=True, validate=_WORDS)


class NewDecision(_Decision):
    """A decision that the police make themselves."""

    notice_no = fields.String(required=True)
    procedure = fields.String(
        load_default="summary", validate=validate.OneOf(["summary", "ordinary"])
    )
    decided_at = fields.AwareDateTime(required=True, format="iso")
    served_on = Day(load_default=None, allow_none=True)
    served_by = fields.String(
        load_default="electronic", validate=validate.OneOf(["in-person", "post", "electronic"])
    )
    driver = fields.String(load_default=None, allow_none=True, validate=_is_licence)


class Amendment(Schema):
    """What a penalty is amended to."""

    fine = fields.Integer(required=True, strict=True, validate=_FINE)
    points = fields.Integer(required=True, strict=True, validate=_POINTS)


class NewPosting(Schema):
    """A payment that the city took."""

    key = fields.String(required=True, validate=_KEY)
    decision_no = fields.String(required=True, validate=validate.Regexp(r"[0-9]{1,32}\Z"))
    fine = fields.Integer(required=True, strict=True, validate=_FINE)
    surcharge = fields.Integer(required=True, strict=True, validate=validate.Range(0, _MOST))
    currency = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{3}\Z"))
    paid_at = fields.AwareDateTime(required=True, format="iso")


class NewChange(Schema):
    """The outcome of what a citizen asked for."""

    key = fields.String(required=True, validate=_KEY)
    kind = fields.String(
        required=True, validate=validate.OneOf(["reduced", "cancelled", "instalments"])
    )
    fine = fields.Integer(required=True, allow_none=True, strict=True, validate=_FINE)
    points = fields.Integer(required=True, allow_none=True, strict=True, validate=_POINTS)
    reason = fields.String(required=True, validate=_WORDS)

    @validates_schema
    def check_figures(self, data: dict[str, Any], **_: object) -> None:
        """Refuse figures without a reduction, and a reduction without them."""
        wanted = data["kind"] == "reduced"
        for name in ("fine", "points"):
            if (data[name] is not None) != wanted:
                raise ValidationError("Said of a reduction, and of nothing else.", name)


class StudySearch(Schema):
    """Two facts of a licence whose holder's courses are asked for."""

    licence = fields.String(required=True, validate=_is_licence)
    archive = fields.String(required=True, validate=_ARCHIVE)


class NewStudy(Schema):
    """A course that a driver took."""

    licence = fields.String(required=True, validate=_is_licence)
    kind = fields.String(
        load_default="online", validate=validate.OneOf(["online", "classroom", "service"])
    )
    finished_on = Day(required=True)
    passed = fields.Boolean(load_default=True)


class NewCredit(Schema):
    """How many points a course takes away."""

    key = fields.String(required=True, validate=_KEY)
    points = fields.Integer(required=True, strict=True, validate=validate.Range(1, 12))


class NoticeFilter(Schema):
    """Which of the things told to list."""

    key = fields.String(load_default=None)
    subject = fields.String(load_default=None)


def decision_from(body: dict[str, Any], notice_no: str) -> Notice:
    """Return the notice of a decision that a loaded body says."""
    told = {name: body[name] for name in ("kind", "fine", "points", "reason")}
    return Notice(Call.DECISION, body["key"], notice_no, told)


def posting_from(body: dict[str, Any]) -> Notice:
    """Return the notice of a payment that a loaded body says."""
    told = {name: body[name] for name in ("fine", "surcharge", "currency")}
    # Another moment under the same key is the same payment, told again.
    return Notice(Call.POSTING, body["key"], body["decision_no"], told)


def change_from(body: dict[str, Any], decision_no: str) -> Notice:
    """Return the notice of an outcome that a loaded body says."""
    told = {name: body[name] for name in ("kind", "fine", "points", "reason")}
    return Notice(Call.CHANGE, body["key"], decision_no, told)


def credit_from(body: dict[str, Any], study_no: str) -> Notice:
    """Return the notice of points taken away that a loaded body says."""
    return Notice(Call.CREDIT, body["key"], study_no, {"points": body["points"]})


def show_study(row: sqlite3.Row) -> dict[str, object]:
    """Return a course as it is shown."""
    shown = {name: row[name] for name in ("study_no", "kind", "finished_on", "credited")}
    return shown | {"passed": bool(row["passed"])}


def show_vehicle(row: sqlite3.Row) -> dict[str, str]:
    """Return a vehicle as it is shown to tests."""
    return {name: row[name] for name in ("plate", "engine", "class")}


def show_licence(row: sqlite3.Row) -> dict[str, str]:
    """Return a licence as it is shown to tests."""
    return {name: row[name] for name in ("licence", "archive", "issued_on", "class")}


def show_case(row: sqlite3.Row, root: str) -> dict[str, object]:
    """Return a case as it is shown; evidence lies below the root."""
    shown = {
        name: row[name]
        for name in (
            "notice_no",
            "plate",
            "vehicle_class",
            "offence_code",
            "legal_basis",
            "points",
            "usual_fine",
            "place",
            "at",
            "officer",
            "version",
        )
    }
    driver = row["driver"]
    speed = {"measured": row["speed_measured"], "limit": row["speed_limit"]}
    return shown | {
        "title": {"zh": row["title_zh"], "en": row["title_en"]},
        "speed": None if row["speed_measured"] is None else speed,
        "evidence": [_show_evidence(row, root, place) for place in range(1, _EVIDENCE + 1)],
        "authority": AUTHORITY,
        "driver": None if driver is None else driver[-LICENCE_DIGITS:],
        "status": str(status_of(row)),
        "decision": None if row["decision_no"] is None else _show_decision(row),
    }


def evidence_of(case: sqlite3.Row, place: int) -> bytes | None:
    """Return a picture of a violation, or None when there are not so many."""
    if not 1 <= place <= _EVIDENCE:
        return None
    return _draw(f"{case['notice_no']} {case['at']} {place}/{_EVIDENCE}")


@functools.lru_cache(maxsize=512)
def _draw(words: str) -> bytes:
    """Return a picture as a camera at a crossing takes it: grey, with words at its foot."""
    picture = Image.new("RGB", (480, 270), (90, 110, 130))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((190, 120, 290, 190), fill=(200, 200, 205))
    pen.text((10, 245), words, font=ImageFont.load_default(size=16), fill=(255, 255, 255))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def show_notice(row: sqlite3.Row) -> dict[str, object]:
    """Return what was told as it is shown."""
    shown = {name: row[name] for name in ("key", "subject", "received_at", "outcome", "reference")}
    told: Mapping[str, object] = json.loads(row["told"])
    return {**shown, **told, "effective": row["outcome"] == TAKEN}


def show_taken(row: sqlite3.Row) -> dict[str, object]:
    """Return what was taken under a key as the police answer an inquiry."""
    told: Mapping[str, object] = json.loads(row["told"])
    kept = {"key": row["key"], "reference": row["reference"], "at": row["received_at"]}
    return kept | {"decision_no": row["subject"], **told}


def _show_decision(row: sqlite3.Row) -> dict[str, object]:
    shown = {
        name: row[name]
        for name in (
            "decision_no",
            "kind",
            "procedure",
            "fine",
            "points",
            "decided_at",
            "served_on",
            "served_by",
            "paid",
            "surcharge_paid",
        )
    }
    return shown | {"currency": "CNY", "instalments": bool(row["instalments"])}


def _show_evidence(case: sqlite3.Row, root: str, place: int) -> dict[str, str]:
    picture = evidence_of(case, place)
    assert picture is not None
    return {
        "kind": "photo",
        "sha256": hashlib.sha256(picture).hexdigest(),
        "url": f"{root}/evidence/{case['notice_no']}/{place}",
    }
