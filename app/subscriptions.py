"""What happens because of what: event -> handlers, and what is looked for on a schedule."""

from collections.abc import Mapping
from typing import Any

from app.core.jobs import FOREIGN_RETRIES, Jobs, Schedule, Subscription
from app.identity import service as identity
from app.identity.events import ChallengeOpened
from app.notifications import service as notifications
from app.notifications.events import MessageQueued


def wire(jobs: Jobs, deps: Mapping[type, Any]) -> None:
    """Tell the queue who handles which event, and what runs how often."""
    for subscription in _subscriptions(deps):
        jobs.subscribe(subscription)
    for schedule in _schedules():
        jobs.schedule(schedule)


def _subscriptions(deps: Mapping[type, Any]) -> list[Subscription]:
    people = deps[identity.IdentityDeps]
    inbox = deps[notifications.NotificationsDeps]
    return [
        Subscription(
            ChallengeOpened, "identity.send_code", lambda uow, e: identity.send_code(uow, people, e)
        ),
        Subscription(
            MessageQueued,
            "notifications.deliver_message",
            lambda uow, e: notifications.deliver_message(uow, inbox, e),
            retries=FOREIGN_RETRIES,
        ),
    ]


def _schedules() -> list[Schedule]:
    return [Schedule(1800, "identity.forget_expired", identity.forget_expired)]
