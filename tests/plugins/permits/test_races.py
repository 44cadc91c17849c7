"""What meets in the same moment: one winner, and never a second decision."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from time import sleep
from uuid import UUID

import pytest

from app.core.errors import DomainError
from app.factory import Rooms
from app.sdk import Citizen
from plugins.permits import service
from plugins.permits.models import Application, Task
from plugins.permits.service.decisions import deem_task
from plugins.permits.values.tasks import Caller, RefusalReason, TaskStatus, Verdict
from tests.plugins.permits.answers import SMALL_FACTORY
from tests.plugins.permits.files import hand_in_all
from tests.plugins.permits.office import ALL, APPROVED, LEAD, Office, moves_of, new_citizen, rows

PLANNING = "natural-resources-bureau"
REFUSED = Verdict(TaskStatus.REFUSED, words="不同意", reason=RefusalReason.PROHIBITED)
RACES = [
    pytest.param(25, id="short"),
    pytest.param(200, marks=pytest.mark.timed, id="two-hundred"),
]
"""In the suite, and by `--promises`."""
FINALS = "select count(*) from plugin_permits.decisions where task_id = :id and stage = 'final'"


def together(*acts: Callable[[], object]) -> list[str]:
    """Do all at once; return for each "done", or the code of its refusal."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        start.wait()
        try:
            act()
        except DomainError as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def begin_after(seconds: float, act: Callable[[], object]) -> object:
    """Do something a moment later."""
    sleep(seconds)
    return act()


class Case:
    """An application whose planning permit is proposed."""

    def __init__(self, office: Office, clerk: Caller, lead: Caller) -> None:
        self.citizen = new_citizen()
        made = office.submitted(self.citizen, SMALL_FACTORY)
        opened = office.run(service.accept_application, lead, made.id, made.version)
        self.id = made.id
        self.task = next(t.id for t in opened.tasks if t.template == "works-planning")
        office.proposed(clerk, self.task)
        self.version = office.run(service.read_task, clerk, self.task).line.version


def test_two_officers_on_one_task_have_one_winner_each_time(office: Office, rooms: Rooms) -> None:
    clerks = [office.officer(PLANNING, "clerk") for _ in range(3)]
    deciders = [office.officer(PLANNING, "decider") for _ in range(3)]
    lead = office.officer(LEAD, "clerk")
    for _ in range(12):
        made = office.submitted(new_citizen(), SMALL_FACTORY)
        opened = office.run(service.accept_application, lead, made.id, made.version)
        task = next(t.id for t in opened.tasks if t.template == "works-planning")
        claimed = together(
            *(partial(office.run, service.claim_task, who, task, 2) for who in clerks)
        )
        assert Counter(claimed) == {"done": 1, "permit-task-held": 2}
        winner = clerks[claimed.index("done")]
        office.act(service.begin_review, winner, task)
        proposed = together(*[partial(office.run, service.propose, winner, task, 4, APPROVED)] * 3)
        assert Counter(proposed) == {"done": 1, "permit-version-stale": 2}
        decided = together(
            *(partial(office.run, service.decide, who, task, 5, APPROVED) for who in deciders)
        )
        assert Counter(decided) == {"done": 1, "permit-version-stale": 2}
        assert rows(rooms, FINALS, id=task) == [(1,)]
        assert [state for state, _ in moves_of(rooms, task)] == [
            *("waiting", "ready", "claimed", "in_review", "proposed", "approved"),
        ]


@pytest.mark.promise("permits")
@pytest.mark.parametrize("races", RACES)
@pytest.mark.parametrize("verdict", [APPROVED, REFUSED], ids=lambda v: v.outcome)
def test_deciding_and_withdrawing_exclude_each_other(
    office: Office, rooms: Rooms, verdict: Verdict, races: int, shows: Callable[[str], None]
) -> None:
    clerk, decider = office.officer(PLANNING, "clerk"), office.officer(PLANNING, "decider")
    lead = office.officer(LEAD, "clerk")
    seen: Counter[tuple[str, str]] = Counter()
    for turn in range(races):
        case = Case(office, clerk, lead)
        mine = (case.citizen.reference, case.id, ALL)
        withdraw = partial(office.run, service.withdraw_application, *mine)
        acts = [
            partial(office.run, service.decide, decider, case.task, case.version, verdict),
            # It has less to read before it locks: started a little later it meets the decision.
            partial(begin_after, turn % 8 / 2_000, withdraw),
        ]
        decided, withdrawn = together(*acts) if turn % 2 else reversed(together(*reversed(acts)))
        state = office.shown(case.citizen, case.id).status
        task = office.states(case.citizen, case.id)["works-planning"]
        finals = rows(rooms, FINALS, id=case.task)[0][0]
        if withdrawn == "done" and decided != "done":
            # the withdrawal came first: nothing is decided
            assert (state, task, finals) == ("withdrawn", "withdrawn", 0)
            assert decided == "permit-version-stale"
        elif verdict is REFUSED:
            # the refusal ends the whole bundle: there is nothing to withdraw any more
            assert (decided, withdrawn) == ("done", "illegal-transition")
            assert (state, task, finals) == ("all_decided", "refused", 1)
        else:
            # the permit was granted first, then all of it taken back before anything is issued
            assert (decided, withdrawn) == ("done", "done")
            assert (state, task, finals) == ("withdrawn", "approved", 1)
        seen[decided, withdrawn] += 1
    assert seen.total() == races
    by_words = {f"{d}/{w}": n for (d, w), n in sorted(seen.items())}
    shows(f"{races} races {verdict.outcome}/withdrawn: {by_words}, one lawful outcome each")


def test_silence_and_an_officer_do_not_both_decide(office: Office, rooms: Rooms) -> None:
    clerk, decider = office.officer(PLANNING, "clerk"), office.officer(PLANNING, "decider")
    lead = office.officer(LEAD, "clerk")

    def deem(application_id: UUID, task_id: UUID) -> None:
        with office.house.unit_of_work() as uow:
            application = uow.lock(Application, application_id)
            task = uow.lock(Task, task_id)
            deem_task(office.house, uow, application, task, TaskStatus.DEEMED_APPROVED)

    for _ in range(10):
        case = Case(office, clerk, lead)
        results = together(
            partial(office.run, service.decide, decider, case.task, case.version, APPROVED),
            partial(deem, case.id, case.task),
        )
        assert sorted(results).count("done") == 1
        assert rows(rooms, FINALS, id=case.task) == [(1,)]


def test_one_of_several_submissions_and_acceptances_counts(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.begin(citizen, SMALL_FACTORY)
    hand_in_all(office.house, made.id)
    mine = (citizen.reference, made.id, ALL)
    submitted = together(*[partial(office.run, service.submit_application, *mine)] * 3)
    assert submitted.count("done") == 1
    clerks = [office.officer(LEAD, "clerk") for _ in range(3)]
    accepted = together(
        *(partial(office.run, service.accept_application, who, made.id, 2) for who in clerks)
    )
    assert Counter(accepted) == {"done": 1, "permit-version-stale": 2}
    assert len(office.states(citizen, made.id)) == 9
    assert [state for state, _ in moves_of(rooms, made.id)] == [
        *("draft", "submitted", "accepted", "in_progress"),
    ]
