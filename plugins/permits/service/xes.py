"""The event log of applications as XES (IEEE 1849-2023), for process mining.

A trace is an application, an event a change of state. It names departments and no people: neither
the citizen nor an officer.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID
from xml.etree import ElementTree as ET

from sqlalchemy import select

from app.sdk import Move, UnitOfWork, history
from plugins.permits.models import Application, Task
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.ratings import own_application
from plugins.permits.values.applications import ApplicationStatus
from plugins.permits.values.tasks import DECIDED, PAUSED, TaskReason, TaskStatus

NAMESPACE = "http://www.xes-standard.org/"
_EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
)
_A, _T = ApplicationStatus, TaskStatus
# The transactional lifecycle of the standard, as the states of applications and tasks are in it.
_APPLICATION: Mapping[ApplicationStatus, str] = {
    _A.DRAFT: "schedule",
    _A.SUBMITTED: "assign",
    _A.SUPPLEMENT_REQUIRED: "suspend",
    _A.NOT_ACCEPTED: "complete",
    _A.ACCEPTED: "start",
    _A.IN_PROGRESS: "unknown",
    _A.ALL_DECIDED: "unknown",
    _A.ISSUING: "unknown",
    _A.COMPLETED: "complete",
    _A.PARTLY_COMPLETED: "complete",
    _A.REFUSED: "complete",
    _A.WITHDRAWN: "withdraw",
    _A.LAPSED: "ate_abort",
}
_TASK: Mapping[TaskStatus, str] = {
    _T.READY: "schedule",
    _T.NOT_APPLICABLE: "autoskip",
    _T.WITHDRAWN: "withdraw",
}


def export_xes(
    uow: UnitOfWork, citizen_reference: str, application_id: UUID, services: Sequence[str]
) -> bytes:
    """Return what has happened to a citizen's application and its tasks, the first first.

    Raise `PermitApplicationNotFound`.
    """
    application = own_application(uow, citizen_reference, application_id, services)
    tasks = {
        task.id: task
        for task in uow.scalars(select(Task).where(Task.application_id == application.id))
    }
    moves = [
        *history(uow, Application, [application.id]),
        *history(uow, Task, list(tasks)),
    ]
    # In one moment the application goes before its tasks, and each record in its own order.
    moves.sort(key=lambda move: (move.at, move.record_id in tasks, str(move.record_id)))
    return write_xes(application, tasks, moves)


def write_xes(application: Application, tasks: Mapping[UUID, Task], moves: Sequence[Move]) -> bytes:
    """Return moves as a log with one trace, in UTF-8."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    log = ET.Element("log", {"xes.version": "1849-2023", "xmlns": NAMESPACE})
    for name, prefix, uri in _EXTENSIONS:
        ET.SubElement(log, "extension", name=name, prefix=prefix, uri=uri)
    trace_keys = ET.SubElement(log, "global", scope="trace")
    _string(trace_keys, "concept:name", "UNKNOWN")
    event_keys = ET.SubElement(log, "global", scope="event")
    _string(event_keys, "concept:name", "UNKNOWN")
    _date(event_keys, "time:timestamp", "1970-01-01T00:00:00.000+00:00")
    _string(event_keys, "lifecycle:transition", "complete")
    _string(event_keys, "org:group", "UNKNOWN")
    ET.SubElement(
        log, "classifier", name="Task and transition", keys="concept:name lifecycle:transition"
    )
    _string(log, "concept:name", bundle.id)
    _string(log, "lifecycle:model", "standard")
    trace = ET.SubElement(log, "trace")
    _string(trace, "concept:name", str(application.id))
    _string(trace, "permits:bundle", bundle.id)
    ET.SubElement(trace, "int", key="permits:bundle-version", value=str(bundle.version))
    for move in moves:
        task = tasks.get(move.record_id)
        event = ET.SubElement(trace, "event")
        _string(event, "concept:name", "application" if task is None else task.template)
        _date(event, "time:timestamp", move.at.isoformat(timespec="milliseconds"))
        _string(event, "lifecycle:transition", transition_of(move, is_task=task is not None))
        _string(event, "org:group", application.lead if task is None else task.department)
        _string(event, "permits:state", move.to_state)
        _string(event, "permits:cause", move.cause)
    ET.indent(log)
    document: bytes = ET.tostring(log, encoding="utf-8", xml_declaration=True)
    return document


def transition_of(move: Move, *, is_task: bool) -> str:
    """Return the transition of the standard's lifecycle that a move is."""
    if is_task:
        return _of_task(move)
    if move.to_state == _A.SUBMITTED and move.from_state == _A.SUPPLEMENT_REQUIRED:
        return "resume"
    return _APPLICATION[_A(move.to_state)]


def _of_task(move: Move) -> str:
    state = _T(move.to_state)
    if state in DECIDED:
        return "pi_abort" if move.cause == TaskReason.BUNDLE_REFUSED else "complete"
    if state in PAUSED:
        return "suspend"
    if state is _T.IN_REVIEW:
        begins = move.from_state == _T.CLAIMED
        return "start" if begins else "resume" if move.from_state in PAUSED else "unknown"
    if state is _T.CLAIMED:
        return "reassign" if move.from_state == _T.CLAIMED else "assign"
    return _TASK.get(state, "unknown")


def _string(parent: ET.Element, key: str, value: str) -> None:
    ET.SubElement(parent, "string", key=key, value=value)


def _date(parent: ET.Element, key: str, value: str) -> None:
    ET.SubElement(parent, "date", key=key, value=value)
