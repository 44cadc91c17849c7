"""A citizen's application, from the draft to what was decided."""

import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core.errors import IllegalMove
from app.factory import Rooms
from app.sdk import Citizen
from plugins.permits import service
from plugins.permits.errors import (
    AnswersClosed,
    AnswersInvalid,
    BundleNotFound,
    PermitApplicationNotFound,
    PermitVersionStale,
    SecondOfficerNeeded,
    SupplementNotFound,
    SupplementOpen,
    TooManyDrafts,
)
from plugins.permits.provider import PermitsProvider
from plugins.permits.values.applications import MOST_DRAFTS, DraftWish, NotAcceptedReason
from plugins.permits.values.tasks import RefusalReason, TaskStatus, Verdict
from tests.plugins.permits.answers import CONSTRUCTION, MOVING, SMALL_FACTORY
from tests.plugins.permits.files import hand_in_all
from tests.plugins.permits.office import ALL, LEAD, Office, ask, moves_of, rows

REFUSED = Verdict(TaskStatus.REFUSED, words="不符合条件", reason=RefusalReason.CONDITIONS_NOT_MET)


def places(refused: pytest.ExceptionInfo[AnswersInvalid]) -> list[str]:
    return [str(fault["pointer"]) for fault in refused.value.errors or ()]


def test_a_draft_is_filled_bit_by_bit_and_submitted_whole(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.begin(citizen, {"building-use": "industrial", "floor-area": 1})
    assert (made.status, made.bundle_version, made.tasks) == ("draft", 1, [])
    mine = (citizen.reference, made.id)
    with pytest.raises(AnswersInvalid) as refused:
        office.run(service.submit_application, *mine, ALL)
    assert "/answers/project-name" in places(refused)
    assert "/answers/floor-area" not in places(refused)
    with pytest.raises(AnswersInvalid) as refused:
        office.run(service.save_answers, *mine, {"floor-area": "big", "colour": 1}, ALL)
    assert places(refused) == ["/answers/colour", "/answers/floor-area"]
    saved = office.run(service.save_answers, *mine, {**SMALL_FACTORY, "floor-area": None}, ALL)
    assert saved.answers == {k: v for k, v in SMALL_FACTORY.items() if k != "floor-area"}
    office.run(service.save_answers, *mine, {"floor-area": 900}, ALL)
    hand_in_all(office.house, made.id)
    submitted = office.run(service.submit_application, *mine, ALL)
    assert (submitted.status, submitted.answers) == ("submitted", SMALL_FACTORY)
    with pytest.raises(AnswersClosed):
        office.run(service.save_answers, *mine, {"floor-area": 901}, ALL)
    with pytest.raises(IllegalMove):
        office.run(service.submit_application, *mine, ALL)
    assert moves_of(rooms, made.id) == [("draft", "citizen"), ("submitted", "citizen")]
    (kept,) = rows(
        rooms, "select answers_sealed from plugin_permits.applications where id = :id", id=made.id
    )
    assert "武当" not in bytes(kept[0]).decode(errors="ignore")


def test_others_and_delegates_for_other_services_find_nothing(
    office: Office, citizen: Citizen, stranger: Citizen
) -> None:
    made = office.accepted(citizen)
    for who, services in (
        (stranger.reference, ALL),
        (citizen.reference, ["permit-moving-in"]),
    ):
        with pytest.raises(PermitApplicationNotFound):
            office.run(service.find_application, who, made.id, services)
        with pytest.raises(PermitApplicationNotFound):
            office.run(service.withdraw_application, who, made.id, services)
        with pytest.raises(PermitApplicationNotFound):
            office.run(service.save_answers, who, made.id, {}, services)
        with pytest.raises(PermitApplicationNotFound):
            office.run(service.answer_supplement, who, made.id, uuid4(), "x", {}, services)
    with pytest.raises(BundleNotFound):
        office.run(
            service.begin_application,
            citizen,
            DraftWish("construction-start", {}),
            ["permit-moving-in"],
        )
    clerk = office.officer("water-bureau", "clerk")
    with pytest.raises(PermitApplicationNotFound):
        office.run(service.read_desk_application, clerk, made.id)
    with pytest.raises(PermitApplicationNotFound):
        office.run(service.accept_application, clerk, made.id, made.version)
    assert office.shown(citizen, made.id) == made


def test_no_more_drafts_than_one_may_keep(office: Office, citizen: Citizen) -> None:
    for _ in range(MOST_DRAFTS):
        office.begin(citizen, {})
    with pytest.raises(TooManyDrafts):
        office.begin(citizen, {})


def test_intake_asks_once_and_a_second_time_only_with_a_superior(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.submitted(citizen, SMALL_FACTORY)
    clerk, both = (office.officer(LEAD, *r) for r in (("clerk",), ("clerk", "superior")))
    mine = (citizen.reference, made.id)
    first = office.run(
        service.ask_at_intake, clerk, made.id, made.version, ask("面积不清", "floor-area")
    )
    assert (first.number, first.status, first.is_defect) == (1, "asked", False)
    assert office.shown(citizen, made.id).status == "supplement_required"
    with pytest.raises(AnswersInvalid) as refused:
        office.run(service.answer_supplement, *mine, first.id, "x", {"land-area": 5}, ALL)
    assert places(refused) == ["/answers/land-area"]
    answered = office.run(
        service.answer_supplement, *mine, first.id, "已更正", {"floor-area": 901}, ALL
    )
    assert (answered.status, answered.answers["floor-area"]) == ("submitted", 901)
    with pytest.raises(SupplementNotFound):
        office.run(service.answer_supplement, *mine, first.id, "again", {}, ALL)

    second = office.run(service.ask_at_intake, both, made.id, answered.version, ask("还有"))
    assert (second.number, second.status, second.is_defect) == (2, "wanted", True)
    assert office.shown(citizen, made.id) == answered  # the citizen is not asked yet
    with pytest.raises(SupplementOpen):
        office.run(service.ask_at_intake, clerk, made.id, answered.version, ask("又"))
    judged = (made.id, second.id, answered.version)
    with pytest.raises(SecondOfficerNeeded):
        office.run(service.judge_at_intake, both, *judged, allowed=True)
    superior = office.officer(LEAD, "superior")
    allowed = office.run(service.judge_at_intake, superior, *judged, allowed=True)
    assert allowed.status == "asked"
    assert [cause for _, cause in moves_of(rooms, made.id)][2:] == [
        "supplement",
        "supplement-answered",
        "supplement",
    ]


def test_what_is_not_accepted_ends_with_a_reason(office: Office, citizen: Citizen) -> None:
    made = office.submitted(citizen, SMALL_FACTORY)
    clerk = office.officer(LEAD, "clerk")
    reason = NotAcceptedReason.OTHER_AUTHORITY
    with pytest.raises(PermitVersionStale):
        office.run(service.refuse_intake, clerk, made.id, made.version - 1, reason, "请到省厅")
    ended = office.run(service.refuse_intake, clerk, made.id, made.version, reason, "请到省厅")
    assert (ended.status, ended.reason, ended.words) == ("not_accepted", reason, "请到省厅")
    assert ended.ended_at is not None
    with pytest.raises(IllegalMove):
        office.run(service.accept_application, clerk, made.id, ended.version)


def test_accepting_opens_the_graph_and_leaves_out_what_answers_leave_out(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.accepted(citizen, SMALL_FACTORY)
    assert made.status == "in_progress"
    states = office.states(citizen, made.id)
    assert {name for name, state in states.items() if state == "ready"} == {
        "works-planning",
        "drawing-review",
    }
    assert states["construction-permit"] == "waiting"
    assert list(states.values()).count("not_applicable") == 6
    ready = office.task(citizen, made.id, "works-planning")
    assert moves_of(rooms, ready) == [("waiting", "accepted"), ("ready", "ready")]
    left_out = office.task(citizen, made.id, "civil-defence")
    assert moves_of(rooms, left_out)[1] == ("not_applicable", "condition")
    (data,) = rows(
        rooms,
        "select data from event_log where entity = 'permits_task' and entity_id = :id"
        " and sequence = 1",
        id=office.task(citizen, made.id, "construction-permit"),
    )
    assert data[0] == {
        "template": "construction-permit",
        "department": LEAD,
        "limit_days": 1,
        "limit_starts": "at_once",
        "after": ["works-planning", "drawing-review"],
        "after_any": [],
    }


def test_all_granted_completes_with_a_document_that_can_be_checked(
    office: Office, citizen: Citizen, provider: PermitsProvider, rooms: Rooms
) -> None:
    made = office.accepted(citizen, SMALL_FACTORY)
    for template in ("works-planning", "drawing-review", "construction-permit"):
        brief = next(t for t in office.shown(citizen, made.id).tasks if t.template == template)
        office.decided(brief.id, brief.department)
    assert office.shown(citizen, made.id).status == "all_decided"
    provider.attend()
    ended = office.shown(citizen, made.id)
    assert ended.status == "completed"
    assert ended.result is not None
    content = ended.result.content
    granted = [t["task"] for t in content["tasks"] if t["outcome"] == "approved"]
    assert granted == ["works-planning", "drawing-review", "construction-permit"]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert ended.result.digest == hashlib.sha256(canonical.encode()).hexdigest()
    assert [state for state, _ in moves_of(rooms, made.id)] == [
        *("draft", "submitted", "accepted", "in_progress"),
        *("all_decided", "issuing", "completed"),
    ]
    before = moves_of(rooms, made.id)
    provider.attend()
    assert moves_of(rooms, made.id) == before


def test_a_refusal_refuses_a_bundle_that_is_issued_together(
    office: Office, citizen: Citizen, provider: PermitsProvider
) -> None:
    made = office.accepted(citizen, CONSTRUCTION)
    granted = office.task(citizen, made.id, "soil-conservation")
    office.decided(granted, "water-bureau")
    office.decided(
        office.task(citizen, made.id, "works-planning"), "natural-resources-bureau", REFUSED
    )
    states = office.states(citizen, made.id)
    assert states.pop("soil-conservation") == "approved"
    assert set(states.values()) == {"refused"}
    provider.attend()
    ended = office.shown(citizen, made.id)
    assert ended.status == "refused"
    by_name = {task.template: task for task in ended.tasks}
    first, other = by_name["works-planning"], by_name["construction-permit"]
    assert (first.reason, first.words) == ("conditions-not-met", "不符合条件")
    assert first.remedies == {"reconsideration": "P60D", "litigation": "P6M"}
    assert (other.reason, other.words) == ("bundle-refused", None)


def test_where_each_is_issued_as_decided_a_refusal_leaves_out_what_depends_on_it(
    office: Office, citizen: Citizen, provider: PermitsProvider
) -> None:
    made = office.accepted(citizen, MOVING, "moving-in")
    police = "public-security-bureau"
    office.decided(office.task(citizen, made.id, "move-permission"), police, REFUSED)
    states = office.states(citizen, made.id)
    assert [states[name] for name in ("move-out", "household-registration", "id-card")] == [
        "not_applicable"
    ] * 3
    while open_ones := [
        task for task in office.shown(citizen, made.id).tasks if task.status == "ready"
    ]:
        office.decided(open_ones[0].id, open_ones[0].department)
    provider.attend()
    ended = office.shown(citizen, made.id)
    reasons = {task.template: task.reason for task in ended.tasks}
    assert reasons["id-card"] == "predecessor-refused"
    granted = any(task.status == "approved" for task in ended.tasks)
    assert ended.status == ("partly_completed" if granted else "refused")
    assert granted


def test_withdrawing_ends_everything_that_is_not_decided(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.accepted(citizen, SMALL_FACTORY)
    decided = office.task(citizen, made.id, "works-planning")
    office.decided(decided, "natural-resources-bureau")
    other = office.task(citizen, made.id, "drawing-review")
    clerk = office.officer(LEAD, "clerk")
    office.reviewed(clerk, other)
    office.act(service.ask_in_review, clerk, other, ask("x", "floor-area"))
    mine = (citizen.reference, made.id, ALL)
    ended = office.run(service.withdraw_application, *mine)
    assert (ended.status, ended.supplements[0].status) == ("withdrawn", "ended")
    states = office.states(citizen, made.id)
    assert (states["works-planning"], states["drawing-review"]) == ("approved", "withdrawn")
    assert states["construction-permit"] == "withdrawn"
    with pytest.raises(IllegalMove):
        office.run(service.withdraw_application, *mine)
    answer = (ended.supplements[0].id, "x", {}, ALL)
    with pytest.raises(SupplementNotFound):
        office.run(service.answer_supplement, citizen.reference, made.id, *answer)
    assert moves_of(rooms, other)[-1] == ("withdrawn", "withdrawn")


def test_a_person_takes_their_data_along_and_is_forgotten(
    office: Office, citizen: Citizen, stranger: Citizen, provider: PermitsProvider, rooms: Rooms
) -> None:
    made = office.accepted(citizen, SMALL_FACTORY)
    office.accepted(stranger, SMALL_FACTORY)
    task = office.task(citizen, made.id, "works-planning")
    office.decided(task, "natural-resources-bureau", Verdict(TaskStatus.APPROVED, words="同意办理"))
    data: Any = json.loads(json.dumps(provider.export(citizen)))
    (kept,) = data["applications"]
    assert kept["answers"] == SMALL_FACTORY
    assert [t["words"] for t in kept["tasks"] if t["words"]] == ["同意办理"]
    for _ in range(2):
        provider.erase(citizen)
        assert not any(provider.export(citizen).values())
    assert len(list(provider.export(stranger)["applications"])) == 1  # type: ignore[call-overload]
    sealed = rows(
        rooms,
        "select d.words_sealed, a.answers_sealed, a.status from plugin_permits.decisions d "
        "join plugin_permits.tasks t on t.id = d.task_id "
        "join plugin_permits.applications a on a.id = t.application_id where t.id = :id",
        id=task,
    )
    assert set(sealed) == {(None, None, "withdrawn")}
    assert not rows(
        rooms,
        "select 1 from plugin_permits.applications a where to_jsonb(a)::text like :name",
        name=f"%{citizen.reference}%",
    )


def test_an_unknown_application_is_not_found(office: Office, citizen: Citizen) -> None:
    with pytest.raises(PermitApplicationNotFound):
        office.shown(citizen, UUID(int=1))
