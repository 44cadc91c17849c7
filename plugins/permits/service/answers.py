"""What a form's answers mean: whether they fit, and which tasks, materials and fees follow."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from plugins.permits.errors import AnswersInvalid
from plugins.permits.values.bundles import (
    Answer,
    Bundle,
    Comparison,
    Condition,
    FieldKind,
    FormField,
    MaterialTemplate,
    Operator,
    TaskTemplate,
)

MAX_TEXT = 500
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def conditions_hold(condition: Condition | None, answers: Mapping[str, Answer]) -> bool:
    """Tell whether a condition holds; none always does, and what is not answered fits nothing."""
    if condition is None:
        return True
    results = (_holds(comparison, answers) for comparison in condition.of)
    return all(results) if condition.every else any(results)


def read_answers(
    bundle: Bundle, raw: Mapping[str, object], *, partial: bool = False
) -> Mapping[str, Answer]:
    """Return the answers of a form in the order of its fields, or raise `AnswersInvalid`.

    What is not asked is refused: an unknown field, and one whose condition does not hold. With
    `partial`, for drafts, what is missing is no fault.
    """
    unknown = raw.keys() - {field.id for field in bundle.fields}
    faults = dict.fromkeys(unknown, "There is no such field.")
    answers: dict[str, Answer] = {}
    for field in bundle.fields:
        given, asked = field.id in raw, conditions_hold(field.when, answers)
        if given and not asked:
            faults[field.id] = "The other answers do not lead to this field."
        elif given:
            answer = _READERS[field.kind](field, raw[field.id])
            if answer is None:
                faults[field.id] = _wanted(field)
            else:
                answers[field.id] = answer
        elif asked and field.required and not partial:
            faults[field.id] = "An answer is needed."
    if faults:
        raise AnswersInvalid(
            errors=[
                {"pointer": f"/answers/{_escaped(name)}", "message": fault}
                for name, fault in sorted(faults.items())
            ]
        )
    return answers


def tasks_for(bundle: Bundle, answers: Mapping[str, Answer]) -> tuple[TaskTemplate, ...]:
    """Return the tasks that apply to these answers, in the order of the bundle.

    A predecessor that does not apply is replaced by those before it, so the order of all others
    stays as the bundle says. One of `after_any` that does not apply is no choice; when none of
    them applies, there is nothing to wait for.
    """
    applies = {task.id for task in bundle.tasks if conditions_hold(task.when, answers)}

    def before(task: TaskTemplate) -> Iterator[str]:
        for name in task.after:
            if name in applies:
                yield name
            else:
                yield from before(bundle.task(name))

    return tuple(
        replace(
            task,
            after=tuple(dict.fromkeys(before(task))),
            after_any=tuple(name for name in task.after_any if name in applies),
        )
        for task in bundle.tasks
        if task.id in applies
    )


def materials_for(bundle: Bundle, answers: Mapping[str, Answer]) -> tuple[MaterialTemplate, ...]:
    """Return the materials that these answers ask for: their own condition, and a task's."""
    needed = {name for task in tasks_for(bundle, answers) for name in task.materials}
    return tuple(
        material
        for material in bundle.materials
        if material.id in needed and conditions_hold(material.when, answers)
    )


def fee_for(task: TaskTemplate, answers: Mapping[str, Answer]) -> int | None:
    """Return what a task costs in fen, rounded down to a whole fen, or None when it is free."""
    if task.fee is None:
        return None
    if task.fee_per is None:
        return task.fee
    number = answers.get(task.fee_per)
    if not isinstance(number, int | float):
        return None
    return math.floor(task.fee * number) or None


def _holds(comparison: Comparison, answers: Mapping[str, Answer]) -> bool:
    answer, value = answers.get(comparison.field), comparison.value
    if comparison.operator is Operator.PRESENT:
        return (answer is not None) is value
    return answer is not None and _OPERATORS[comparison.operator](answer, value)


# Answers and values are of the kind of their field: the reader of bundles has seen to that.
_OPERATORS: Mapping[Operator, Callable[..., bool]] = {
    Operator.EQUALS: lambda answer, value: answer == value,
    Operator.ONE_OF: lambda answer, value: answer in value,
    Operator.AT_LEAST: lambda answer, value: answer >= value,
    Operator.AT_MOST: lambda answer, value: answer <= value,
}


def _within(field: FormField, answer: Answer) -> bool:
    return (field.lowest is None or field.lowest <= answer) and (  # type: ignore[operator]
        field.highest is None or answer <= field.highest  # type: ignore[operator]
    )


def _text(field: FormField, raw: object) -> str | None:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > MAX_TEXT or not raw.isprintable():
        return None
    fits = field.pattern is None or re.fullmatch(field.pattern, raw, re.ASCII)
    return raw if fits else None


def _number(field: FormField, raw: object) -> int | float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    return raw if _within(field, raw) else None


def _date(field: FormField, raw: object) -> str | None:
    if not isinstance(raw, str) or not _DAY.fullmatch(raw):
        return None
    try:
        date.fromisoformat(raw)
    except ValueError:
        return None
    return raw if _within(field, raw) else None


def _choice(field: FormField, raw: object) -> str | None:
    return raw if isinstance(raw, str) and raw in {each.id for each in field.choices} else None


def _boolean(_field: FormField, raw: object) -> bool | None:
    return raw if isinstance(raw, bool) else None


_READERS: Mapping[FieldKind, Callable[[FormField, object], Answer | None]] = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.DATE: _date,
    FieldKind.CHOICE: _choice,
    FieldKind.BOOLEAN: _boolean,
}


def _wanted(field: FormField) -> str:
    bounds = "".join(
        f", {word} {bound}"
        for word, bound in (("at least", field.lowest), ("at most", field.highest))
        if bound is not None
    )
    return {
        FieldKind.TEXT: "Must be a text of the form that the field names.",
        FieldKind.NUMBER: f"Must be a number{bounds}.",
        FieldKind.DATE: f"Must be a date (YYYY-MM-DD){bounds}.",
        FieldKind.CHOICE: f"Must be one of: {', '.join(each.id for each in field.choices)}.",
        FieldKind.BOOLEAN: "Must be true or false.",
    }[field.kind]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
