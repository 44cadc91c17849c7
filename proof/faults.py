"""Faults that are planted to see whether the proof finds them.

They go into a copy of the tree or into the run's database, never into a switch of the product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.plan import POSTING_ASKABLE
from proof.values import Blow, Moment, Place, Victim


class FaultUnplantable(RuntimeError):
    """The text that is to be changed is not there (once): the fault must be described anew."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one text in one file."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is broken, how, which rules of the model may find it, and where it shows soonest."""

    says: str
    found_by: frozenset[str]
    first: Sequence[Blow] = ()
    edits: Sequence[Edit] = ()
    statements: Sequence[str] = ()


# The host and the plug-in each keep their own record of a notice: either alone is enough.
_PLUGIN = "plugins/utilities/service/postings.py"
_TOLD = [Blow(Place(POSTING_ASKABLE, Moment.ACTED), Victim.CALLER)] * 4
"""A worker dies when a biller that knows no keys has booked, and the worker does not know it."""

FAULTS: Mapping[str, Fault] = {
    "unique-index": Fault(
        "PostgreSQL lets a bill and an attempt be live twice",
        frozenset({"live once", "charged once", "posted once"}),
        statements=(
            "drop index uq_payment_items_live_payable",
            "drop index uq_payment_attempts_live",
        ),
    ),
    "fencing": Fault(
        "neither host nor plug-in knows any more that a notice was sent, nor by whom",
        frozenset({"posted once"}),
        first=_TOLD,
        edits=(
            Edit(
                "app/payments/service/fulfil.py",
                "    before = PostingStatus(posting.status)\n",
                "    before = PostingStatus.IDLE\n",
            ),
            Edit(
                "app/payments/service/fulfil.py",
                "    if (posting.claim_job, posting.claim_attempt) != (run.job_id, run.attempt):\n",
                "    if False:\n",
            ),
            Edit(
                _PLUGIN,
                "    if posting.state != PostingState.UNSENT"
                " and not (may_have_acted and biller.honours_key):\n        return None\n",
                "",
            ),
        ),
    ),
    "signature": Fault(
        "any event is taken for the gateway's",
        frozenset({"signed events only"}),
        edits=(
            Edit(
                "app/payments/gateway/stripe_webhooks.py",
                "    if not any(matches):\n",
                "    if not matches:\n",
            ),
        ),
    ),
    "enquiry": Fault(
        "nobody asks the gateway about an attempt whose answer was lost",
        frozenset({"at rest", "charged once", "no orphans"}),
        edits=(
            Edit(
                "app/payments/service/janitor.py",
                '        uow.emit(AttemptQuestioned(attempt_id=attempt.id, cause="schedule"))\n',
                "",
            ),
        ),
    ),
    "biller-enquiry": Fault(
        "a biller is told again instead of being asked",
        frozenset({"posted once"}),
        first=_TOLD,
        edits=(
            Edit(
                "app/payments/service/fulfil.py",
                "        found = provider.find_fulfilment(notice.key)\n",
                "        found = None\n",
            ),
            Edit(
                _PLUGIN,
                "        found = _ask_before_sending(house, posting)\n",
                "        found = None\n",
            ),
        ),
    ),
    "owner-filter": Fault(
        "a payment is shown to whoever knows its number",
        frozenset({"owner only"}),
        edits=(
            Edit(
                "app/core/db.py",
                "        select(kind).where(table.c.id == record_id,"
                " table.c.citizen_id == citizen_id)\n",
                "        select(kind).where(table.c.id == record_id)\n",
            ),
        ),
    ),
}
"""Every fault by its name."""


def patch(tree: Path, fault: Fault) -> None:
    """Make a fault's edits in a tree; raise `FaultUnplantable` where one does not fit."""
    for edit in fault.edits:
        path = tree / edit.file
        path.write_text(edited(path, edit))


def edited(path: Path, edit: Edit) -> str:
    """Return the text of a file with one edit made in it."""
    text = path.read_text()
    if text.count(edit.old) != 1:
        raise FaultUnplantable(
            f"{edit.file} holds {edit.old.strip()!r} {text.count(edit.old)} times"
        )
    return text.replace(edit.old, edit.new)
