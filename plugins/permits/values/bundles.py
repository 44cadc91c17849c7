"""Bundles: what a citizen asks for once, and what departments do for it, as plain data.

A bundle (一件事) is written in `bundles/*.toml`, has a version, and never changes: what was applied
for under a version is decided under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Answer = str | int | float | bool
"""What was filled into a field: a date is its ISO text, and every answer is a JSON value."""

Title = Mapping[str, str]
"""A text for citizens: `zh` and `en`."""


class IssuePolicy(StrEnum):
    """Whether permits are issued all together or not at all, or each as it is decided."""

    ATOMIC = "atomic"
    AS_DECIDED = "as_decided"


class Starts(StrEnum):
    """When a limit begins to count: with the next working day, or with the next working minute."""

    NEXT_DAY = "next_day"
    AT_ONCE = "at_once"


class FieldKind(StrEnum):
    """What kind of answer a field of the form takes."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    BOOLEAN = "boolean"


class Operator(StrEnum):
    """How a condition looks at one answer."""

    EQUALS = "equals"
    ONE_OF = "one_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    PRESENT = "present"


class Mode(StrEnum):
    """How departments work: each by itself with a copy of all, or around one table."""

    COPY_NOTICE = "copy_notice"
    JOINT_MEETING = "joint_meeting"


class Deemed(StrEnum):
    """What silence means when the limit of a task has run out."""

    APPROVED = "approved"
    REFUSED = "refused"


class Procedure(StrEnum):
    """The special procedures that stop a limit from counting, each with a limit of its own."""

    HEARING = "hearing"
    TEST = "test"
    INSPECTION = "inspection"
    EXPERT_REVIEW = "expert_review"
    PUBLICITY = "publicity"


class FeeReturn(StrEnum):
    """When a fee that was paid goes back to its payer."""

    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Limit:
    """A time of whole working days, and when it begins to count."""

    working_days: int
    starts: Starts = Starts.NEXT_DAY


@dataclass(frozen=True, slots=True)
class Comparison:
    """One look at one answer; `value` is a tuple for `one_of` and a flag for `present`."""

    field: str
    operator: Operator
    value: Answer | tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons of which all must hold, or any."""

    every: bool
    of: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers that a field of kind `choice` takes."""

    id: str
    title: Title


@dataclass(frozen=True, slots=True)
class FormField:
    """A question that is asked once, whoever needs the answer.

    `pattern` is an anchored regular expression for texts; `lowest` and `highest` bound numbers, or
    dates as ISO texts. What is asked only `when` something holds is refused otherwise.
    """

    id: str
    title: Title
    kind: FieldKind
    required: bool = True
    pattern: str | None = None
    lowest: Answer | None = None
    highest: Answer | None = None
    choices: tuple[Choice, ...] = ()
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class MaterialTemplate:
    """A document that is handed in once, whoever needs it.

    `deferrable_days` working days may pass before it must follow, upon an undertaking (容缺);
    a `certificate` of this type that the city holds stands in its place.
    """

    id: str
    title: Title
    required: bool = True
    deferrable_days: int | None = None
    certificate: str | None = None
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    """What one department decides.

    It may begin when all of `after` and, if there are any, one of `after_any` are decided.
    `permit` is the type of certificate that an approval issues. `deemed` says what silence means,
    and `deemed_source` by which law. `fee` is in fen, once or for each unit of the number in the
    field `fee_per`; it goes back in the cases of `fee_returned`. To a joint meeting the departments
    `invited` come; `absent_agrees` says that one which stays away has agreed.
    """

    id: str
    title: Title
    department: str
    limit: Limit
    source: str
    permit: str | None = None
    mode: Mode = Mode.COPY_NOTICE
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    when: Condition | None = None
    fields: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    deemed: Deemed | None = None
    deemed_source: str | None = None
    procedures: Mapping[Procedure, Limit] = field(default_factory=dict)
    fee: int | None = None
    fee_per: str | None = None
    fee_returned: tuple[FeeReturn, ...] = ()
    absent_agrees: bool = False
    invited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """One thing that is asked for once: its form, its materials, and the graph of its tasks.

    `digest` is the SHA-256 of what its file says, however it is laid out. `partner` is the other
    region of a service across regions (跨省通办) as a code of GB/T 2260.
    """

    id: str
    version: int
    title: Title
    service: str
    lead: str
    issue: IssuePolicy
    intake: Limit
    fields: tuple[FormField, ...]
    materials: tuple[MaterialTemplate, ...]
    tasks: tuple[TaskTemplate, ...]
    source: str
    digest: str
    partner: str | None = None

    def task(self, task_id: str) -> TaskTemplate:
        """Return a task, or raise `KeyError`."""
        return {task.id: task for task in self.tasks}[task_id]

    def field(self, field_id: str) -> FormField:
        """Return a field of the form, or raise `KeyError`."""
        return {field.id: field for field in self.fields}[field_id]

    def material(self, material_id: str) -> MaterialTemplate:
        """Return a material, or raise `KeyError`."""
        return {material.id: material for material in self.materials}[material_id]
