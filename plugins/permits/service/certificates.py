"""Certificates of what was granted: one for each task with a permit, in the holder's own name.

What a type says stands in `certificates.toml`: a field that is called as a field of the form
(`site_address` as `site-address`) has its answer; the others are those of `_own_fields`.
"""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID

from app.sdk import House, NotFound, UnitOfWork, city_date
from plugins.permits.models import Application, Task
from plugins.permits.service.sealing import unseal, unseal_values
from plugins.permits.service.shown import final_lines
from plugins.permits.values.bundles import Answer, Bundle, FieldKind

FILE = Path(__file__).parent.parent / "certificates.toml"
LAST_DAY = "road_until"
"""The field that says until when a certificate lasts; those without it have no end."""
_NOTHING = "无"
_LONGEST = 500


@cache
def fields_of_types() -> Mapping[str, tuple[str, ...]]:
    """Return the fields of each type of certificates that this plug-in issues."""
    types = tomllib.loads(FILE.read_text(encoding="utf-8"))["types"]
    return {one["id"]: tuple(field["id"] for field in one["fields"]) for one in types}


def issue_certificates(
    house: House,
    uow: UnitOfWork,
    application: Application,
    bundle: Bundle,
    granted: Sequence[Task],
) -> Mapping[UUID, str]:
    """Issue the certificates of these tasks and return their numbers; the task is the reference.

    The same again are the same certificates. Whose account is closed, and who applied before names
    were kept, gets none: the document says what was granted all the same.
    """
    row = application.id
    name = unseal(house, "applications", "holder", row, application.holder_sealed)
    if name is None or not application.letterbox:
        return {}
    answers = unseal_values(house, "applications", "answers", row, application.answers_sealed)
    final = final_lines(uow, [task.id for task in granted])
    numbers: dict[UUID, str] = {}
    for task in granted:
        permit = bundle.task(task.template).permit
        if permit is None:
            continue
        line = final[task.id]
        conditions = unseal(house, "decisions", "conditions", line.id, line.conditions_sealed)
        says = _own_fields(bundle, task, name, conditions) | {
            field.id.replace("-", "_"): _shown(bundle, field.id, answers) for field in bundle.fields
        }
        fields = {field: says[field] for field in fields_of_types()[permit]}
        try:
            made = house.issue_certificate(
                uow,
                application.letterbox,
                permit,
                fields,
                valid_until=_last_day(fields),
                reference=str(task.id),
            )
        except NotFound:
            return numbers
        numbers[task.id] = made.number
    return numbers


def one_line(text: str) -> str:
    """Return a text as a certificate takes it: one line in NFC, cut where it is too long."""
    plain = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text)
    shown = unicodedata.normalize("NFC", " ".join(plain.split())) or _NOTHING
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _own_fields(bundle: Bundle, task: Task, holder: str, conditions: str | None) -> dict[str, str]:
    assert task.decided_at is not None
    return {
        "holder_name": one_line(holder),
        "matter": one_line(bundle.task(task.template).title["zh"]),
        "conditions": one_line(conditions or _NOTHING),
        "decided_on": city_date(task.decided_at),
    }


def _shown(bundle: Bundle, field_id: str, answers: Mapping[str, Answer]) -> str:
    """Return an answer as people read it."""
    field, answer = bundle.field(field_id), answers.get(field_id)
    if answer is None:
        return _NOTHING
    if field.kind is FieldKind.CHOICE:
        return next(one.title["zh"] for one in field.choices if one.id == answer)
    if field.kind is FieldKind.BOOLEAN:
        return "是" if answer else "否"
    return one_line(str(answer))


def _last_day(fields: Mapping[str, str]) -> date | None:
    """Return until when a certificate lasts; what has ended meanwhile is over with today."""
    if LAST_DAY not in fields:
        return None
    return date.fromisoformat(max(fields[LAST_DAY], city_date()))
