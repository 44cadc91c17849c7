"""Part A: eight permits of one application within one working day."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from app.cli.demo.story import Broken, check, yuan
from app.cli.demo_permits.actors import Applicant
from app.cli.demo_permits.certificates import look_at_certificates
from app.cli.demo_permits.desk import Desks
from app.cli.demo_permits.figures import (
    check_owned,
    compare,
    in_city,
    moment,
    most_at_once,
    office_minutes,
    path_of,
)
from app.cli.demo_permits.stage import Stage
from app.cli.demo_permits.watch import work_together
from app.core.clock import CITY_TIME, now

AT_ONCE = 5
PERMITS = 8
WAITS = timedelta(hours=1)
"""How long the applicant takes to pay, once everything is decided."""


def perform(stage: Stage) -> Applicant:
    """Perform part A and return who has applied."""
    story = stage.story
    with story.step("A1", "日历 the next working days") as step:
        stage.find_days()
        stage.set_clock(stage.days[0], "08:50")
        step.say(f"{', '.join(map(str, stage.days))}; it is 08:50 on the first")
    with story.step("A2", "席位 seats at the desks") as step:
        town = stage.open_town()
        step.say(f"{len(town.desks)} officers in {len({d for d, _ in town.desks})} departments")
    with story.step("A3", "登录实名 log in, prove my name") as step:
        applicant = Applicant(stage.web, stage.city)
        name = applicant.log_in()
        step.say(f"{name} is verified 已实名")
    with story.step("A4", "一次申报 one application, its files") as step:
        stage.set_clock(stage.days[0], "09:00")
        made, files = stage.apply(applicant, stage.days[0])
        step.say(f"{made['title']['zh']}: {files} files handed in, submitted at 09:00")
    with story.step("A5", "受理 accepted by the lead department") as step:
        stage.set_clock(stage.days[0], "09:20")
        opened = stage.accept(town, made)
        promised = applicant.read(made["id"], "/clock")["ends_at"]
        step.say(f"{len(opened['tasks'])} tasks open; promised 承诺办结 {in_city(promised)}")
    with story.step("A6", "并联审批 departments side by side") as step:
        work_together(stage.clock, Desks(town, made["id"]).works(opened["tasks"]))
        at_once = most_at_once(applicant.read(made["id"], "/events"))
        if at_once < AT_ONCE:
            raise Broken(f"expected {AT_ONCE} departments at once, saw {at_once}")
        step.say(f"9 tasks decided, joint meeting 联合会审 held; {at_once} departments at once")
    with story.step("A7", "缴费 the fee is paid an hour later") as step:
        step.say(_pay_later(stage, applicant, made["id"]))
    with story.step("A8", "办结 everything is issued") as step:
        ended = applicant.await_end(made["id"])
        step.say(f"{_check_result(stage, ended)}; over {in_city(ended['ended_at'])}")
    _show_certificates(stage, applicant, ended, name)
    _tell_time(stage, applicant, ended, promised)
    return applicant


def _pay_later(stage: Stage, applicant: Applicant, application_id: str) -> str:
    """Let the application wait for its fee, and pay; nothing is issued meanwhile."""
    waiting = applicant.await_fee(application_id)
    check("application", ("all_decided", None), (waiting["status"], waiting["result"]))
    (fee,) = waiting["fees"]
    stage.set_moment(now() + WAITS)
    applicant.pay(fee)
    paid = applicant.read(application_id)["fees"]
    check("fee", ["paid"], [one["status"] for one in paid])
    return (
        f"{yuan(fee['amount'])} for {fee['task']}, by card after a step-up 再次验证; "
        f"it was due 应缴 by {in_city(fee['due_at'])}"
    )


def _check_result(stage: Stage, ended: dict[str, Any]) -> str:
    """Check the document of what was decided and the day of it."""
    check("application", "completed", ended["status"])
    content = ended["result"]["content"]
    wanted = {task["permit"] for task in stage.bundle["tasks"] if task["permit"]}
    granted = {task["permit"] for task in content["tasks"] if task["outcome"] == "approved"}
    check("permits", wanted, granted - {None})
    check("number of permits", PERMITS, len(wanted))
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    check("SHA-256", hashlib.sha256(written.encode()).hexdigest(), ended["result"]["digest"])
    days = [moment(ended[name]).astimezone(CITY_TIME).date() for name in _ENDS]
    check("days of submission and end", [stage.days[0]] * 2, days)
    return f"{len(wanted)} permits 许可 granted, SHA-256 {ended['result']['digest'][:12]}…"


_ENDS = ("submitted_at", "ended_at")


def _show_certificates(
    stage: Stage, applicant: Applicant, ended: dict[str, Any], name: str
) -> None:
    """Look at each certificate, one line each; `Broken` unless there is one for each permit."""
    looked_at = look_at_certificates(stage.web, applicant, ended, name)
    for count in range(1, PERMITS + 1):
        with stage.story.step("A9", f"电子证照 certificate {count} of {PERMITS}") as step:
            shown = next(looked_at, None)
            if shown is None:
                raise Broken(f"expected {PERMITS} certificates, saw {count - 1}")
            step.say(
                f"{shown.number} {shown.title}: PDF of {shown.pdf_bytes // 1024} KiB, "
                f"valid 有效 for anybody ({shown.holder}), SD-JWT VC verified"
            )


def _tell_time(stage: Stage, applicant: Applicant, ended: dict[str, Any], promised: str) -> None:
    clock = applicant.read(ended["id"], "/clock")
    export = applicant.read(ended["id"], "/events")
    stage.tell_departments("A10", clock)
    with stage.story.step("A11", "关键路径 critical path") as step:
        passed = check_owned(clock, export)
        one_day = clock["tasks"][0]["limit"]  # the intake's is one working day
        if passed > one_day:
            raise Broken(f"expected one working day of {one_day} minutes, saw {passed}")
        if clock["ends_at"] > promised:
            raise Broken(f"promised {promised}, ended {clock['ends_at']}")
        over = moment(clock["critical_path"][-1]["ends"])
        waited = office_minutes(export, over, moment(ended["ended_at"]))
        step.say(
            f"{path_of(clock)} = {passed} of {one_day} working minutes, none without owner; "
            f"{waited} min until it was paid and issued are no department's"
        )
    with stage.story.step("A12", "复算 recomputed offline") as step:
        step.say(str(compare(clock, export)))
