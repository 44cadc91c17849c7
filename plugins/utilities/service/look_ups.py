"""Finding somebody else's account to pay for it: few attempts, and nothing learnt from a wrong one.

Whoever looks must know the number and how the holder's name begins. An unknown number and another
name are one refusal, each attempt is a row that the limits count, and the trail is told of each.
"""

import unicodedata
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import House, UnitOfWork, mask_number, new_id, now
from plugins.utilities.client import BillerClient
from plugins.utilities.errors import AccountMismatch, LookUpNotFound, TooManyLinkAttempts
from plugins.utilities.events import AccountLookedUp
from plugins.utilities.models import Bill, LookUp
from plugins.utilities.service.accounts import (
    ATTEMPT_WINDOW,
    attempt,
    check_number,
    index_of,
)
from plugins.utilities.service.mirror import keep_asked
from plugins.utilities.service.owing import is_expired, owed_on, today
from plugins.utilities.values import (
    BILLERS,
    CURRENCY,
    OWED,
    FoundAccount,
    NewLookUp,
    find_biller,
)

LIFETIME = timedelta(minutes=30)
MAX_FOR_A_NUMBER = 20
"""How often a number is looked for within an hour, whoever looks: many guess names together."""


def look_up_account(
    house: House, uow: UnitOfWork, citizen_reference: str, wanted: NewLookUp
) -> FoundAccount:
    """Return what somebody else's account owes, its holder masked; the answer lives half an hour.

    Raise `AccountMismatch` alike for an unknown number and another name, and `TooManyLinkAttempts`
    after ten attempts within an hour to link or to look up, or twenty for one number.
    """
    biller = find_biller(wanted.biller)
    check_number(biller.id, wanted.number)
    client = BillerClient.of(house)
    with attempt(house, citizen_reference, is_right_free=False):
        with house.unit_of_work() as counted:
            look_up_id = _count(house, counted, citizen_reference, wanted)
        asked_at = now()
        found = client.account(biller.id, wanted.number)
        if found is None or not _same_form(found.holder_name).startswith(
            _same_form(wanted.family_name)
        ):
            uow.record(AccountLookedUp(result="refused", biller=biller.id))
            raise AccountMismatch
    keep_asked(uow, house, client.bills_of(biller.id, wanted.number), asked_at=asked_at)
    row = uow.get_one(LookUp, look_up_id, with_for_update=True)
    row.is_found = True
    row.number_sealed = house.vault.seal(wanted.number, place=f"look_ups|number|{row.id}")
    uow.flush()
    uow.record(AccountLookedUp(biller=biller.id))
    day = today()
    theirs = select(Bill).where(
        Bill.biller == row.biller,
        Bill.account_index == row.number_index,
        Bill.status.in_(OWED),
    )
    owed = [owed_on(bill, day) for bill in uow.scalars(theirs) if not is_expired(bill, day)]
    return FoundAccount(
        id=row.id,
        biller=biller.id,
        service=BILLERS[biller.id].service,
        number_masked=mask_number(wanted.number),
        holder_masked=found.holder_name[0] + "*" * (len(found.holder_name) - 1),
        owed=sum(owed),
        currency=CURRENCY,
        open_bills=len(owed),
        expires_at=row.asked_at + LIFETIME,
    )


def own_look_up(uow: UnitOfWork, citizen_reference: str, look_up_id: UUID) -> LookUp:
    """Return what a citizen found within the last half hour, or raise `LookUpNotFound`."""
    found: LookUp | None = uow.scalar(
        select(LookUp).where(
            LookUp.id == look_up_id,
            LookUp.citizen_reference == citizen_reference,
            LookUp.is_found,
            LookUp.asked_at > now() - LIFETIME,
        )
    )
    if found is None:
        raise LookUpNotFound
    return found


def looked_up_number(house: House, found: LookUp) -> str:
    """Return the number of an account that was found."""
    assert found.number_sealed is not None
    return house.vault.unseal(found.number_sealed, place=f"look_ups|number|{found.id}")


def _same_form(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _count(house: House, uow: UnitOfWork, citizen_reference: str, wanted: NewLookUp) -> UUID:
    """Write down that a number is looked for, before the biller is asked."""
    number_index = index_of(house, uow, wanted.biller, wanted.number)
    lately = select(func.count()).where(
        LookUp.number_index == number_index, LookUp.asked_at > now() - ATTEMPT_WINDOW
    )
    if (uow.scalar(lately) or 0) >= MAX_FOR_A_NUMBER:
        raise TooManyLinkAttempts(retry_after=int(ATTEMPT_WINDOW.total_seconds()))
    look_up_id = new_id()
    uow.add(
        LookUp(
            id=look_up_id,
            citizen_reference=citizen_reference,
            biller=wanted.biller,
            number_index=number_index,
            is_found=False,
            asked_at=now(),
        )
    )
    uow.flush()
    return look_up_id
