"""Many at once: agreeing against revoking, two consents, two revocations."""

from collections.abc import Callable
from uuid import UUID

import pytest

from app.core.errors import DomainError
from app.delegation import service
from app.delegation.service.drafting import keep_draft, new_mandate
from app.delegation.values import Action, Draft, Grant, MandateStatus, Side
from app.factory import Rooms
from tests.delegation.support import Person, house, run
from tests.identity.support import in_parallel

ROUNDS = 100
GRANTS = (Grant("water-bill", frozenset({Action.VIEW})),)


def draft(rooms: Rooms, principal: Person, delegate: Person, *, agreed: bool = False) -> UUID:
    """Make a mandate past the limits of a day, as a hundred days would."""
    wanted = Draft(Side.DELEGATE, delegate.citizen.phone, GRANTS, 31)
    with rooms.units.open(actor="test") as uow:
        mandate = new_mandate(
            uow, house(rooms), wanted, delegate.citizen.phone, drafted_by=principal.id
        )
        mandate.principal_id = principal.id
        keep_draft(uow, mandate, cause="test")
        uow.flush()
        if agreed:
            service.accept_mandate(uow, house(rooms), delegate.principal, mandate.id)
        return mandate.id


def attempt(rooms: Rooms, who: Person, what: Callable[..., object], mandate_id: UUID) -> str:
    """Do something to a mandate and return how it was answered."""
    try:
        with rooms.units.open(actor="test") as uow:
            what(uow, house(rooms), who.principal, mandate_id)
    except DomainError as refusal:
        return refusal.code
    return "done"


def history(rooms: Rooms, mandate_id: UUID) -> list[str]:
    rows = run(
        rooms,
        "select to_state from event_log where entity_id = :id order by sequence",
        id=mandate_id,
    )
    return [row.to_state for row in rows]


@pytest.mark.parametrize("agreed", [False, True])
def test_agreeing_against_revoking(
    rooms: Rooms,
    father: Person,
    daughter: Person,
    agreed: bool,  # noqa: FBT001 - pytest
) -> None:
    """A hundred times: whoever is second finds what the first has left, and revoked stays so."""
    orders = set()
    for _ in range(ROUNDS // 2):
        mandate_id = draft(rooms, father, daughter, agreed=agreed)
        yes = service.consent_to_mandate if agreed else service.accept_mandate
        who = father if agreed else daughter
        answers = in_parallel(
            [
                lambda yes=yes, who=who, m=mandate_id: attempt(rooms, who, yes, m),
                lambda m=mandate_id: attempt(rooms, father, service.revoke_mandate, m),
            ]
        )
        states = history(rooms, mandate_id)
        assert answers[1] == "done"
        assert states[-1] == "revoked"
        won = answers[0] == "done"
        if not won:
            assert answers[0] in {"illegal-transition", "mandate-not-found"}
        assert len(states) == 2 + agreed + won
        orders.add(won)
        told = run(rooms, "select kind from inbox_messages where subject = :id", id=str(mandate_id))
        kinds = [row.kind for row in told]
        # Both are known once the delegate has agreed.
        assert kinds.count("mandate-ended") == (2 if agreed or won else 1)
        assert kinds.count("mandate-began") == (2 if agreed and won else 0)
    assert orders  # either order may come; each has left the same end


def test_parallel_consents_begin_it_once(rooms: Rooms, father: Person, daughter: Person) -> None:
    consent = service.consent_to_mandate
    for _ in range(5):
        mandate_id = draft(rooms, father, daughter, agreed=True)
        answers = in_parallel([lambda m=mandate_id: attempt(rooms, father, consent, m)] * 6)
        assert sorted(answers) == ["done"] + ["illegal-transition"] * 5
        assert history(rooms, mandate_id).count("active") == 1
    active = run(
        rooms,
        "select id from mandates where principal_id = :id and status = 'active'",
        id=father.id,
    )
    assert [row.id for row in active] == [mandate_id]  # each replaced the one before


def test_parallel_mandates_of_the_same_two_leave_one_in_force(
    rooms: Rooms, father: Person, daughter: Person, stranger: Person
) -> None:
    """They are drafted by different people, so both may wait; only one may be in force."""
    first = draft(rooms, father, daughter, agreed=True)
    wanted = Draft(Side.PRINCIPAL, father.citizen.phone, GRANTS, 1)
    with rooms.units.open(actor="test") as uow:
        second = service.draft_mandate(uow, house(rooms), daughter.principal, wanted).id
    consent = service.consent_to_mandate
    answers = in_parallel([lambda m=m: attempt(rooms, father, consent, m) for m in (first, second)])
    assert answers == ["done", "done"]
    rows = run(
        rooms,
        "select status from mandates where id = any(:ids)",
        ids=[first, second],
    )
    assert sorted(row.status for row in rows) == [MandateStatus.ACTIVE, MandateStatus.SUPERSEDED]
