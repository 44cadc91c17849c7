"""Prepaid meters that their billers load themselves: asked until the biller says how it went."""

from datetime import timedelta

from sqlalchemy import select

from app.sdk import House, OutcomeUnknown, Unavailable, UnitOfWork, new_id, now, within
from plugins.utilities.client import BillerClient
from plugins.utilities.models import MeterLoad, Order
from plugins.utilities.service.reversals import lock_posting, take_back
from plugins.utilities.values import BILLERS, LoadStatus, PostingState, ReversalReason, ReversedBy

FIRST_ASK = timedelta(seconds=20)
LAST_ASK = timedelta(hours=1)
"""How long a biller is left alone after it was asked: twice as long each time, up to this."""
METER_LOADED = "meter-loaded"
_BATCH = 20
_SECONDS = 6.0


def open_load(uow: UnitOfWork, order: Order, key: str) -> None:
    """Note that a biller was told to load a meter, and is to be asked how that went."""
    load = MeterLoad(
        id=new_id(),
        status=LoadStatus.ASKED,
        posting_key=key,
        order_id=order.id,
        biller=order.biller,
    )
    uow.open_record(load, cause="booked")
    uow.flush()


def ask_meters(house: House) -> None:
    """Ask billers how loading went, a bounded number of times; safe to run again.

    A meter that was loaded is told to its citizen. The money for one that cannot be loaded goes
    back, as for any posting that its biller takes back.
    """
    with house.unit_of_work() as uow:
        waiting = select(MeterLoad).where(
            MeterLoad.status == LoadStatus.ASKED, MeterLoad.ask_after <= now()
        )
        rows = uow.scalars(waiting.order_by(MeterLoad.ask_after).limit(_BATCH)).all()
    client = BillerClient.of(house)
    with within(_SECONDS):
        for row in rows:
            _note(house, row, _ask(client, row))


def _ask(client: BillerClient, load: MeterLoad) -> LoadStatus:
    """Return what a biller says of a meter; what it does not say is still open."""
    try:
        found = client.posting(load.biller, load.posting_key)
    except (Unavailable, OutcomeUnknown):
        return LoadStatus.ASKED
    told = found.booking.load if found is not None else None
    return LoadStatus.ASKED if told is None else told


def _note(house: House, seen: MeterLoad, told: LoadStatus) -> None:
    with house.unit_of_work() as uow:
        # In the order in which a reversal locks them.
        posting = lock_posting(uow, seen.biller, seen.posting_key)
        load = uow.lock(MeterLoad, seen.id)
        if load.status != LoadStatus.ASKED or posting is None:
            return
        if told == LoadStatus.FAILED and posting.state == PostingState.BOOKED:
            take_back(house, uow, posting, ReversalReason.NOT_LOADED, came_by=ReversedBy.INQUIRY)
        elif told == LoadStatus.LOADED:
            _end(house, uow, load)
        else:
            load.asks += 1
            load.ask_after = now() + min(FIRST_ASK * 2 ** min(load.asks, 10), LAST_ASK)


def _end(house: House, uow: UnitOfWork, load: MeterLoad) -> None:
    uow.move(load, LoadStatus.LOADED, cause="biller")
    load.ended_at = now()
    order = uow.get_one(Order, load.order_id)
    title = BILLERS[order.biller].title
    if order.letterbox:
        house.tell(
            uow,
            order.letterbox,
            METER_LOADED,
            str(order.id),
            biller_zh=title["zh"],
            biller_en=title["en"],
            amount=order.amount,
        )
