"""Part B: the same with delays; lamps turn, those above are told, every minute has its owner."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.cli.demo.story import Broken, check, expect, wait_for, yuan
from app.cli.demo_permits.actors import PLACE, Applicant, Officer, Town
from app.cli.demo_permits.desk import Desks
from app.cli.demo_permits.figures import check_owned, compare, in_city, moment, path_of
from app.cli.demo_permits.stage import SUPERVISING, Stage
from app.cli.demo_permits.watch import work_together

SLEEPER, ASKER, CONSULTER = "soil-conservation", "civil-defence", "works-planning"
CONSULTED = "environment-bureau"
_LAST = ("fire-design-review", "construction-permit")
_LATER = timedelta(minutes=1)


@dataclass(slots=True)
class Case:
    """An application in part B, and who has it on their desks that day."""

    stage: Stage
    applicant: Applicant
    town: Town
    application: dict[str, Any]

    @property
    def id(self) -> str:
        """Return the id of the application."""
        found: str = self.application["id"]
        return found

    @property
    def desks(self) -> Desks:
        """Return the desks of the day."""
        return Desks(self.town, self.id)

    def task(self, template: str) -> dict[str, Any]:
        """Return one of the tasks."""
        return next(t for t in self.application["tasks"] if t["template"] == template)

    def clock(self) -> dict[str, Any]:
        """Return what the citizen sees of the clocks now."""
        read: dict[str, Any] = self.applicant.read(self.id, "/clock")
        return read

    def clock_of(self, template: str) -> dict[str, Any]:
        """Return one of the clocks."""
        return next(t for t in self.clock()["tasks"] if t["task"] == template)

    def approve(self, template: str) -> None:
        """Let two officers of the day review and approve a task."""
        task = self.task(template)
        clerk, version = self.desks.take(task["department"], task["id"])
        version = self.desks.propose(clerk, task["id"], version)
        self.desks.decide(task["department"], task["id"], version)


def perform(stage: Stage, applicant: Applicant) -> None:
    """Perform part B; raise `Broken` at the first thing that is not as promised."""
    case = _begin(stage, applicant)
    supplement = _delay(case)
    _work_in_time(case)
    _answer_supplement(case, supplement)
    _turn(case, "B6", "黄灯 yellow at 80 %", "warn_at", "yellow", "warning")
    _turn(case, "B7", "红灯 red at 100 %", "due_at", "red", "overdue")
    _compare(case, "B8", "复算 recomputed while it runs")
    _see_to_it(case)
    _end(case)


def _begin(stage: Stage, applicant: Applicant) -> Case:
    with stage.story.step("B1", "次日再办 the same, a day later") as step:
        stage.set_clock(stage.days[1], "08:50")
        town = stage.open_town()
        stage.set_clock(stage.days[1], "09:00")
        made, _ = stage.apply(applicant, stage.days[1])
        stage.set_clock(stage.days[1], "09:20")
        case = Case(stage, applicant, town, stage.accept(town, made))
        promised = in_city(case.clock()["ends_at"])
        (fee,) = applicant.read(case.id)["fees"]
        check("due before everything is decided", None, fee["due_at"])
        applicant.pay(fee)
        step.say(
            f"submitted {in_city(made['submitted_at'])}, promised 承诺办结 {promised}; "
            f"{yuan(fee['amount'])} paid at once"
        )
    return case


def _delay(case: Case) -> str:
    """Let one department ask the applicant and one ask another; a third one sleeps."""
    desks = case.desks
    case.stage.set_clock(case.stage.days[1], "09:30")
    with case.stage.story.step("B2", "补正 a department asks the applicant") as step:
        task = case.task(ASKER)
        clerk, version = desks.take(task["department"], task["id"])
        asked = clerk.do(
            f"tasks/{task['id']}/supplements",
            version=version,
            words="请补充防空地下室平面图",
            materials=["shelter-design"],
        )
        check("task", "supplement_asked", asked["task"]["status"])
        step.say(f"{task['department']} at 09:30; its time stops 停表")
    with case.stage.story.step("B3", "征求意见 a department asks another") as step:
        task = case.task(CONSULTER)
        clerk, version = desks.take(task["department"], task["id"])
        consulting = clerk.do(
            f"tasks/{task['id']}/consultations",
            version=version,
            department=CONSULTED,
            question="方案是否影响水源保护区？",
            working_days=1,
        )
        check("task", "consulting", consulting["task"]["status"])
        step.say(f"{task['department']} asks {CONSULTED}, for one working day; its time goes on")
    supplement_id: str = asked["supplements"][0]["id"]
    return supplement_id


def _work_in_time(case: Case) -> None:
    with case.stage.story.step("B4", "并联审批 the others work in time") as step:
        others = {SLEEPER, ASKER, CONSULTER, *_LAST}
        punctual = [t for t in case.application["tasks"] if t["template"] not in others]
        work_together(case.stage.clock, case.desks.works(punctual))
        step.say(f"{', '.join(t['template'] for t in punctual)}; nobody looks at {SLEEPER}")


def _answer_supplement(case: Case, supplement_id: str) -> None:
    with case.stage.story.step("B5", "答复 the applicant answers") as step:
        case.stage.set_clock(case.stage.days[1], "14:00")
        place = f"{PLACE}/applications/{case.id}"
        file = b"%PDF-1.7\n% plan of the shelter\ntrailer\n%%EOF\n"
        path = f"{place}/materials/shelter-design/files?name=2.pdf"
        handed_in = expect(case.applicant.send("POST", path, file=file), 201)
        check("version", 2, handed_in["version"])
        words = {"words": "已补充"}
        answer = f"{place}/supplements/{supplement_id}/answer"
        expect(case.applicant.send("POST", answer, words), 200)
        case.stage.set_clock(case.stage.days[1], "14:30")
        case.approve(ASKER)
        clock = case.clock_of(ASKER)
        held = {h["holder"]: h["minutes"] for h in clock["held"]}
        check("lamp", "green", clock["lamp"])
        step.say(f"applicant {held['applicant']} min, {clock['department']} {held['department']}")


def _turn(case: Case, number: str, title: str, when: str, lamp: str, kind: str) -> None:
    """Let it be when a lamp turns: the worker raises it to the lead and the supervisor."""
    with case.stage.story.step(number, title) as step:
        at = case.clock_of(SLEEPER)[when]
        case.stage.set_moment(moment(at) + _LATER)
        if kind == "overdue":  # the next morning: yesterday's tokens are over
            case.town = case.stage.open_town()
        lead, supervisor = _overseers(case)
        for officer in (lead, supervisor):
            _await_alarm(case, officer, kind)
        department = case.task(SLEEPER)["department"]
        desk = case.desks.lines(case.town.clerk(department), f"&lamp={lamp}")
        check(f"{lamp} at the desk", [SLEEPER], [line["template"] for line in desk])
        turned = [t["task"] for t in case.clock()["tasks"] if t["lamp"] == lamp]
        if SLEEPER not in turned:
            raise Broken(f"expected {SLEEPER} to be {lamp}, saw {', '.join(turned)}")
        lists = f"lists 督办 of {lead.department}, {supervisor.department}"
        step.say(f"{in_city(at)}: {', '.join(turned)}; {kind} on the {lists}")


def _overseers(case: Case) -> tuple[Officer, Officer]:
    lead = case.town.supervisor(case.application["lead"])
    return lead, case.town.supervisor(SUPERVISING)


def _await_alarm(case: Case, officer: Officer, kind: str) -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        listed = officer.get("alarms?limit=100&seen=false")["items"]
        return [
            alarm
            for alarm in listed
            if (alarm["application_id"], alarm["task"], alarm["kind"]) == (case.id, SLEEPER, kind)
        ]

    found = wait_for(f"{kind} in the list of {officer.department}", look, bool)
    check("alarms", 1, len(found))
    return found[0]


def _see_to_it(case: Case) -> None:
    """Let the lead see the alarm, the late consultation be answered, the late tasks be decided."""
    with case.stage.story.step("B9", "督办 the lead sees to it") as step:
        lead, _ = _overseers(case)
        alarm = _await_alarm(case, lead, "overdue")
        seen = lead.do(f"alarms/{alarm['id']}/sight", "PUT")
        if seen["seen_at"] is None:
            raise Broken("expected a time at which the alarm was seen, saw none")
        step.say(f"seen at {in_city(seen['seen_at'])}")
    with case.stage.story.step("B10", "逾期答复 the late consultation") as step:
        case.stage.set_clock(case.stage.days[2], "10:30")
        clerk = case.town.clerk(CONSULTED)
        asked = clerk.get("consultations?limit=100")["items"]
        (mine,) = [one for one in asked if one["task_id"] == case.task(CONSULTER)["id"]]
        clerk.do(f"consultations/{mine['id']}/answer", opinion="agreed", words="不影响")
        case.approve(CONSULTER)
        clock = case.clock_of(CONSULTER)
        check("late", True, clock["is_overdue"])  # noqa: FBT003
        step.say(
            f"asked {in_city(mine['asked_at'])} for one working day, answered 10:30; "
            f"{clock['consumed']} min are of {clock['department']}, which asked"
        )
    with case.stage.story.step("B11", "补办 the sleeper wakes up") as step:
        case.stage.set_clock(case.stage.days[2], "11:00")
        case.approve(SLEEPER)
        clock = case.clock_of(SLEEPER)
        check("lamp", ("red", True), (clock["lamp"], clock["is_overdue"]))
        step.say(f"{clock['department']} decides after {clock['consumed']} of {clock['limit']} min")


def _end(case: Case) -> None:
    with case.stage.story.step("B12", "办结 the rest, and the end") as step:
        last = [case.task(template) for template in _LAST]
        work_together(case.stage.clock, case.desks.works(last))
        ended = case.applicant.await_end(case.id)
        check("application", "completed", ended["status"])
        step.say(f"completed {in_city(ended['ended_at'])}")
    clock = case.clock()
    case.stage.tell_departments("B13", clock)
    with case.stage.story.step("B14", "每分钟有主 every minute has its owner") as step:
        passed = check_owned(clock, case.applicant.read(case.id, "/events"))
        owners = ", ".join(
            f"{h['department'] or h['holder']} {h['minutes']}" for h in clock["held"]
        )
        step.say(f"{path_of(clock)} = {passed} min: {owners}; and so for each of the tasks")
    _compare(case, "B15", "复算 recomputed at the end")


def _compare(case: Case, number: str, title: str) -> None:
    with case.stage.story.step(number, title) as step:
        clock = case.clock()
        step.say(str(compare(clock, case.applicant.read(case.id, "/events"))))
