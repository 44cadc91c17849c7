"""The end of an application: certificates are issued, and a document says what was decided."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.sdk import ApplicationStep, House, UnitOfWork, now
from plugins.permits.models import Application, Result, Task
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.certificates import issue_certificates
from plugins.permits.service.fees import owes_fees
from plugins.permits.service.news import announce
from plugins.permits.service.sealing import seal_values
from plugins.permits.service.shown import list_briefs
from plugins.permits.values.applications import ApplicationStatus, TaskBrief
from plugins.permits.values.bundles import Bundle, IssuePolicy
from plugins.permits.values.tasks import GRANTED, REFUSED, TaskReason, TaskStatus

_BATCH = 20


def issue_decided(house: House) -> None:
    """Bring to their end the applications in which everything is decided, some at a time.

    One for which a fee is owed waits. Each in two steps, so that one whose issue fails is seen to
    be in it; it is tried again.
    """
    waiting = (ApplicationStatus.ALL_DECIDED, ApplicationStatus.ISSUING)
    with house.unit_of_work() as uow:
        statement = select(Application.id).where(Application.status.in_(waiting), ~owes_fees())
        ids = uow.scalars(statement.order_by(Application.id).limit(_BATCH)).all()
    for application_id in ids:
        with house.unit_of_work() as uow:
            application = uow.lock(Application, application_id)
            if application.status == ApplicationStatus.ALL_DECIDED:
                uow.move(application, ApplicationStatus.ISSUING, cause="all-decided")
        with house.unit_of_work() as uow:
            application = uow.lock(Application, application_id)
            if application.status == ApplicationStatus.ISSUING:
                issue(house, uow, application)


def issue(house: House, uow: UnitOfWork, application: Application) -> None:
    """Issue what was granted, write the document, and end an application; its row is locked."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    briefs = list_briefs(house, uow, application.id, bundle)
    outcome = outcome_of(bundle.issue, briefs)
    granted: list[Task] = []
    if outcome is not ApplicationStatus.REFUSED:
        statement = select(Task).where(
            Task.application_id == application.id, Task.status.in_(GRANTED)
        )
        granted += uow.scalars(statement.order_by(Task.id))
    numbers = issue_certificates(house, uow, application, bundle, granted)
    content = _document(application, bundle, briefs, outcome, numbers)
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    uow.add(
        Result(
            application_id=application.id,
            content_sealed=seal_values(house, "results", "content", application.id, content),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
    )
    application.ended_at = now()
    uow.move(application, outcome, cause="issued" if granted else "nothing-to-issue")
    is_refused = outcome is ApplicationStatus.REFUSED
    step = ApplicationStep.REFUSED if is_refused else ApplicationStep.COMPLETED
    announce(house, uow, application, step)


def outcome_of(policy: IssuePolicy, briefs: Sequence[TaskBrief]) -> ApplicationStatus:
    """Return how an application ends in which everything is decided.

    What the answers left out does not count; what a refusal left out counts as not granted.
    """
    counted = [brief for brief in briefs if brief.reason != TaskReason.CONDITION]
    granted = sum(brief.status in GRANTED for brief in counted)
    if granted == len(counted):
        return ApplicationStatus.COMPLETED
    is_refused = any(brief.status in REFUSED for brief in counted)
    if granted == 0 or (policy is IssuePolicy.ATOMIC and is_refused):
        return ApplicationStatus.REFUSED
    return ApplicationStatus.PARTLY_COMPLETED


def _document(
    application: Application,
    bundle: Bundle,
    briefs: Sequence[TaskBrief],
    outcome: ApplicationStatus,
    numbers: Mapping[UUID, str],
) -> Mapping[str, Any]:
    return {
        "application": str(application.id),
        "bundle": bundle.id,
        "bundle_version": bundle.version,
        "bundle_digest": bundle.digest,
        "title": dict(bundle.title),
        "outcome": str(outcome),
        "tasks": [
            {
                "task": brief.template,
                "title": dict(brief.title),
                "department": brief.department,
                "permit": bundle.task(brief.template).permit,
                "outcome": str(TaskStatus(brief.status)),
                "reason": brief.reason,
                "words": brief.words,
                "conditions": brief.conditions,
                "decided_at": brief.decided_at.isoformat() if brief.decided_at else None,
                "certificate": numbers.get(brief.id),
                "remedies": dict(brief.remedies),
            }
            for brief in briefs
        ],
    }
