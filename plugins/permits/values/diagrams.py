"""What a process diagram is made of, before it is written as BPMN 2.0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plugins.permits.values.bundles import Title


class Kind(StrEnum):
    """The elements of BPMN 2.0 that a bundle needs, by the names that the standard gives them."""

    START = "startEvent"
    END = "endEvent"
    CATCH = "intermediateCatchEvent"
    THROW = "intermediateThrowEvent"
    BOUNDARY = "boundaryEvent"
    USER = "userTask"
    SCRIPT = "scriptTask"
    EXCLUSIVE = "exclusiveGateway"
    PARALLEL = "parallelGateway"
    EVENTS = "eventBasedGateway"


EVENTS = frozenset({Kind.START, Kind.END, Kind.CATCH, Kind.THROW, Kind.BOUNDARY})
GATEWAYS = frozenset({Kind.EXCLUSIVE, Kind.PARALLEL, Kind.EVENTS})


@dataclass(frozen=True, slots=True)
class Node:
    """One element; `lane`, `group` and `row` say where it is drawn: a group has rows of its own.

    `script` belongs to script tasks, `signal` to events that throw or catch one, `terminates` to
    ends that stop all else. A boundary event is `attached_to` a task, has a `duration` of ISO 8601
    and stops it if it `interrupts`. `facts` are told beside it, for readers of this house.
    """

    id: str
    kind: Kind
    name: str
    lane: str
    group: str = ""
    row: int = 0
    script: str = ""
    signal: str = ""
    terminates: bool = False
    attached_to: str = ""
    duration: str = ""
    interrupts: bool = False
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """An arrow; the one without a condition is taken when no other arrow of a gateway is."""

    source: str
    target: str
    condition: str = ""

    @property
    def id(self) -> str:
        """Return the arrow's id: two elements have one arrow between them at most."""
        return f"{self.source}..{self.target}"


@dataclass(frozen=True, slots=True)
class Diagram:
    """A process: its elements and arrows, and the lanes in the order in which they are drawn."""

    id: str
    title: Title
    text: str
    lanes: Sequence[str]
    nodes: Sequence[Node]
    flows: Sequence[Flow]
