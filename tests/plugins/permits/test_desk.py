"""The desk: who has a task, what is asked and held in it, and who decides."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core.errors import IllegalMove, Invalid
from app.factory import Rooms
from app.sdk import Citizen, PageRequest
from plugins.permits import service
from plugins.permits.errors import (
    ConsultationNotFound,
    ConsultationOpen,
    DepartmentNotAsked,
    MeetingNeeded,
    MeetingNotAllowed,
    MeetingNotFound,
    MeetingUnderWay,
    PermitTaskNotFound,
    PermitVersionStale,
    ProcedureNotAllowed,
    SeatNeeded,
    SecondOfficerNeeded,
    SupplementOpen,
    TaskElsewhere,
    TaskHeld,
    TaskNotHeld,
    VerdictIncomplete,
)
from plugins.permits.service.meetings import all_agree
from plugins.permits.values.bundles import Procedure
from plugins.permits.values.tasks import (
    Caller,
    ConsultationWish,
    Opinion,
    RefusalReason,
    TaskLine,
    TaskStatus,
    Verdict,
)
from tests.factories import later
from tests.plugins.permits.answers import SMALL_FACTORY
from tests.plugins.permits.office import ALL, APPROVED, LEAD, Office, ask, moves_of, rows

PLANNING = "natural-resources-bureau"
HALF_AN_HOUR = 1_800


@pytest.fixture
def task(office: Office, citizen: Citizen) -> UUID:
    """The planning permit of an application that was accepted."""
    made = office.accepted(citizen, SMALL_FACTORY)
    return office.task(citizen, made.id, "works-planning")


def list_of(office: Office, who: Caller, **more: Any) -> list[TaskLine]:  # noqa: ANN401
    """Return the tasks of somebody's list, whoever else's are in it."""
    wanted: dict[str, Any] = {"status": None, "lamp": None, "mine": False, **more}
    found: list[TaskLine] = []
    page = PageRequest(100)
    while True:
        with office.house.unit_of_work() as uow:
            got = service.list_tasks(uow, who, page, **wanted)
        found += got.items
        if got.next_cursor is None:
            return found
        page = PageRequest(100, got.next_cursor)


def test_whoever_claims_a_task_has_it_alone_until_they_do_nothing(
    office: Office, task: UUID, rooms: Rooms
) -> None:
    one, two = (office.officer(PLANNING, "clerk") for _ in range(2))
    (line,) = [t for t in list_of(office, one) if t.id == task]
    assert (line.status, line.is_held, line.version) == ("ready", False, 2)
    claimed = office.run(service.claim_task, one, task, line.version)
    assert (claimed.line.status, claimed.line.is_mine) == ("claimed", True)
    assert [t.id for t in list_of(office, one, mine=True)] == [task]
    with pytest.raises(TaskHeld) as held:
        office.run(service.claim_task, two, task, claimed.line.version)
    assert held.value.extra.keys() == {"until"}
    with pytest.raises(PermitVersionStale) as stale:
        office.run(service.begin_review, one, task, line.version)
    assert stale.value.extra == {"version": claimed.line.version}
    with pytest.raises(TaskNotHeld):
        office.run(service.begin_review, two, task, claimed.line.version)
    with later(HALF_AN_HOUR - 300):
        reviewed = office.run(service.begin_review, one, task, claimed.line.version)
    with later(HALF_AN_HOUR + 300), pytest.raises(TaskHeld):  # it runs from the last act
        office.run(service.claim_task, two, task, reviewed.line.version)
    with later(3 * HALF_AN_HOUR):
        taken = office.run(service.claim_task, two, task, reviewed.line.version)
        assert (taken.line.status, taken.line.is_mine) == ("in_review", True)
        with pytest.raises(TaskNotHeld):
            office.run(service.release_task, one, task, taken.line.version)
        office.run(service.release_task, two, task, taken.line.version)
    causes = [cause for _, cause in moves_of(rooms, task)]
    assert causes[2:] == ["claimed", "review", "claimed", "released"]


def test_other_departments_and_people_without_a_seat_find_nothing(
    office: Office, task: UUID
) -> None:
    foreign = office.officer(LEAD, "clerk", "decider", "superior")
    for act, more in (
        (service.claim_task, ()),
        (service.release_task, ()),
        (service.begin_review, ()),
        (service.ask_in_review, (ask(),)),
        (service.begin_procedure, (Procedure.HEARING,)),
        (service.end_procedure, ("x",)),
        (service.consult_department, (ConsultationWish(PLANNING, "x", 3),)),
        (service.recall_consultations, ()),
        (service.call_meeting, ()),
        (service.close_meeting, ("x",)),
        (service.propose, (APPROVED,)),
        (service.send_back, ("again",)),
        (service.decide, (APPROVED,)),
    ):
        for task_id in (task, uuid4()):
            with pytest.raises(PermitTaskNotFound):
                office.run(act, foreign, task_id, 2, *more)
    with pytest.raises(PermitTaskNotFound):
        office.run(service.judge_in_review, foreign, task, uuid4(), 2, allowed=True)
    with pytest.raises(PermitTaskNotFound):
        office.run(service.read_task, foreign, task)
    assert task not in {line.id for line in list_of(office, foreign)}
    nobody, reader = (office.officer(PLANNING, *roles) for roles in ((), ("supervisor",)))
    for who in (nobody, Caller(foreign.staff_id, PLANNING)):  # a seat counts where it was given
        with pytest.raises(SeatNeeded):
            office.run(service.read_task, who, task)
    assert office.run(service.read_task, reader, task).line.id == task
    for act in (service.claim_task, service.propose, service.decide):
        with pytest.raises(SeatNeeded):
            office.run(act, reader, task, 2, *(() if act is service.claim_task else (APPROVED,)))


def test_a_department_sees_the_answers_that_its_task_needs(office: Office, task: UUID) -> None:
    view = office.run(service.read_task, office.officer(PLANNING, "clerk"), task)
    assert "start-date" not in view.answers
    assert view.answers["land-area"] == SMALL_FACTORY["land-area"]


def test_who_proposes_does_not_decide_unless_the_seat_says_so(
    office: Office, task: UUID, rooms: Rooms
) -> None:
    both = office.officer(PLANNING, "clerk", "decider")
    office.proposed(both, task)
    with pytest.raises(SecondOfficerNeeded):
        office.act(service.decide, both, task, APPROVED)
    decider = office.officer(PLANNING, "decider")
    office.act(service.send_back, decider, task, "more-detail")
    alone = office.officer(PLANNING, "clerk", "decider", alone=True)
    office.act(service.claim_task, alone, task)
    conditional = Verdict(TaskStatus.APPROVED_WITH_CONDITIONS, conditions="退让红线十米")
    office.act(service.propose, alone, task, conditional)
    view = office.act(service.decide, alone, task, conditional)
    assert (view.line.status, view.line.is_held) == ("approved_with_conditions", False)
    assert [(d.stage, d.outcome) for d in view.decisions] == [
        ("proposed", "approved"),
        ("proposed", "approved_with_conditions"),
        ("final", "approved_with_conditions"),
    ]
    assert view.decisions[-1].conditions == "退让红线十米"
    with pytest.raises(IllegalMove):
        office.act(service.decide, decider, task, APPROVED)
    assert moves_of(rooms, task)[-1] == ("approved_with_conditions", "decided")


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(TaskStatus.REFUSED, words="不同意"),
        Verdict(TaskStatus.REFUSED, reason=RefusalReason.PROHIBITED),
        Verdict(TaskStatus.APPROVED, reason=RefusalReason.PROHIBITED),
        Verdict(TaskStatus.APPROVED, conditions="x"),
        Verdict(TaskStatus.APPROVED_WITH_CONDITIONS),
    ],
)
def test_a_verdict_says_what_belongs_to_it(office: Office, task: UUID, verdict: Verdict) -> None:
    clerk = office.officer(PLANNING, "clerk")
    before = office.reviewed(clerk, task)
    with pytest.raises(VerdictIncomplete):
        office.act(service.propose, clerk, task, verdict)
    assert office.run(service.read_task, clerk, task).decisions == before.decisions == []


def test_a_citizen_is_asked_once_and_the_second_time_needs_a_superior(
    office: Office, citizen: Citizen, task: UUID, rooms: Rooms
) -> None:
    clerk, superior = office.officer(PLANNING, "clerk"), office.officer(PLANNING, "superior")
    office.reviewed(clerk, task)
    with pytest.raises(Invalid) as refused:
        office.act(service.ask_in_review, clerk, task, ask("x", "start-date"))
    assert [fault["pointer"] for fault in refused.value.errors or ()] == ["/fields"]
    asked = office.act(service.ask_in_review, clerk, task, ask("面积", "land-area"))
    assert asked.line.status == "supplement_asked"
    (told,) = asked.supplements
    with pytest.raises(TaskElsewhere):
        office.act(service.propose, clerk, task, APPROVED)
    application_id = asked.line.application_id
    mine = (citizen.reference, application_id, told.id)
    office.run(service.answer_supplement, *mine, "已改", {"land-area": 4000}, ALL)
    again = office.act(service.ask_in_review, clerk, task, ask("再补"))
    second = again.supplements[-1]
    assert (again.line.status, second.status, second.is_defect) == ("in_review", "wanted", True)
    assert [s.id for s in office.shown(citizen, application_id).supplements] == [told.id]
    with pytest.raises(SupplementOpen):
        office.act(service.ask_in_review, clerk, task, ask("又"))
    version = again.line.version
    allowed = office.run(service.judge_in_review, superior, task, second.id, version, allowed=True)
    assert allowed.line.status == "supplement_asked"
    assert [s.number for s in office.shown(citizen, application_id).supplements] == [1, 2]
    (pause,) = rows(
        rooms,
        "select data from event_log where entity_id = :id and cause = 'supplement' "
        "order by sequence limit 1",
        id=task,
    )
    assert pause[0] == {"pause_days": 15, "pause_starts": "next_day"}


def test_special_procedures_are_those_that_the_template_allows(
    office: Office, task: UUID, rooms: Rooms
) -> None:
    clerk = office.officer(PLANNING, "clerk")
    office.reviewed(clerk, task)
    with pytest.raises(ProcedureNotAllowed):
        office.act(service.begin_procedure, clerk, task, Procedure.TEST)
    begun = office.act(service.begin_procedure, clerk, task, Procedure.PUBLICITY)
    assert (begun.line.status, begun.procedures[0].working_days) == ("special_procedure", 7)
    with pytest.raises(TaskElsewhere):
        office.act(service.begin_procedure, clerk, task, Procedure.HEARING)
    ended = office.act(service.end_procedure, clerk, task, "无异议")
    assert (ended.line.status, ended.procedures[0].result) == ("in_review", "无异议")
    with pytest.raises(TaskElsewhere):
        office.act(service.end_procedure, clerk, task, "x")
    assert moves_of(rooms, task)[-2:] == [
        ("special_procedure", "publicity"),
        ("in_review", "publicity"),
    ]


def test_departments_that_take_part_are_asked_and_answer_once(office: Office, task: UUID) -> None:
    clerk = office.officer(PLANNING, "clerk")
    office.reviewed(clerk, task)
    for strange in ("tobacco-bureau", PLANNING):
        with pytest.raises(DepartmentNotAsked):
            office.act(service.consult_department, clerk, task, ConsultationWish(strange, "?", 3))
    wishes = [ConsultationWish(name, "是否同意？", 3) for name in (LEAD, "water-bureau")]
    for wish in wishes:
        view = office.act(service.consult_department, clerk, task, wish)
    assert view.line.status == "consulting"
    with pytest.raises(ConsultationOpen):
        office.act(service.consult_department, clerk, task, wishes[0])
    first, second = view.consultations
    asked = office.officer(LEAD, "clerk")
    answer = (Opinion.AGREED, "同意")
    with pytest.raises(ConsultationNotFound):
        office.run(service.answer_consultation, asked, second.id, *answer)
    said = office.run(service.answer_consultation, asked, first.id, *answer)
    assert (said.asking, said.opinion, said.answer) == (PLANNING, "agreed", "同意")
    with pytest.raises(ConsultationNotFound):
        office.run(service.answer_consultation, asked, first.id, *answer)
    assert office.run(service.read_task, clerk, task).line.status == "consulting"
    water = office.officer("water-bureau", "decider")
    office.run(service.answer_consultation, water, second.id, Opinion.DISAGREED, "不同意")
    assert office.run(service.read_task, clerk, task).line.status == "in_review"
    office.act(service.consult_department, clerk, task, wishes[0])
    recalled = office.act(service.recall_consultations, clerk, task)
    assert (recalled.line.status, recalled.consultations[-1].opinion) == ("in_review", None)


def test_an_approval_needs_the_agreement_of_the_joint_meeting(
    office: Office, citizen: Citizen, task: UUID
) -> None:
    planner = office.officer(PLANNING, "clerk")
    office.reviewed(planner, task)
    with pytest.raises(MeetingNotAllowed):
        office.act(service.call_meeting, planner, task)
    application_id = office.run(service.read_task, planner, task).line.application_id
    review = office.task(citizen, application_id, "drawing-review")
    clerk = office.officer(LEAD, "clerk")
    office.reviewed(clerk, review)
    with pytest.raises(MeetingNeeded):
        office.act(service.propose, clerk, review, APPROVED)
    called = office.act(service.call_meeting, clerk, review)
    (meeting,) = called.meetings
    assert meeting.departments == [PLANNING, "civil-defence-office", "fire-brigade"]
    with pytest.raises(MeetingUnderWay):
        office.act(service.call_meeting, clerk, review)
    stranger = office.officer("water-bureau", "clerk")
    with pytest.raises(MeetingNotFound):
        office.run(service.give_opinion, stranger, meeting.id, Opinion.AGREED, "x")
    no = (meeting.id, Opinion.DISAGREED, "退让不足")
    office.run(service.give_opinion, planner, *no)
    with pytest.raises(MeetingUnderWay):
        office.run(service.give_opinion, planner, *no)
    closed = office.act(service.close_meeting, clerk, review, "规划部门不同意")
    assert closed.meetings[0].is_agreed is False
    with pytest.raises(MeetingNeeded):
        office.act(service.propose, clerk, review, APPROVED)
    office.act(service.call_meeting, clerk, review)
    closed = office.act(service.close_meeting, clerk, review, "无人反对")  # absence agrees here
    assert [m.is_agreed for m in closed.meetings] == [False, True]
    assert office.act(service.propose, clerk, review, APPROVED).line.status == "proposed"


def test_absence_agrees_only_where_the_template_says_so() -> None:
    review = service.find_bundle("construction-start").task("drawing-review")
    said = {"a": Opinion.AGREED}
    strict = replace(review, absent_agrees=False)
    assert all_agree(review, ["a", "b"], said)
    assert not all_agree(strict, ["a", "b"], said)
    assert all_agree(strict, ["a"], said)
    assert not all_agree(review, ["a"], {"a": Opinion.DISAGREED})
