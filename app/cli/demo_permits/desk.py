"""What departments do with their tasks of an application: two officers each, and one meeting."""

from typing import Any

from app.cli.demo.story import Broken, check
from app.cli.demo_permits.actors import Officer, Town
from app.cli.demo_permits.watch import Shift, Work

REVIEW = {
    "works-planning": 25,
    "drawing-review": 20,
    "civil-defence": 22,
    "environment": 10,
    "soil-conservation": 18,
    "traffic-opinion": 12,
    "fire-design-review": 25,
    "road-works": 15,
    "construction-permit": 20,
}
"""Minutes that a clerk reads; a task is theirs for half an hour from their last act."""
DECISION = 8
LOOK = 6
_LOOKS = 60
_MEETING = "drawing-review"
_APPROVED = {"outcome": "approved"}


class Desks:
    """Works through the tasks of one application with the officers of a day."""

    def __init__(self, town: Town, application_id: str) -> None:
        self.town = town
        self.application_id = application_id

    def works(self, tasks: list[dict[str, Any]]) -> list[Work]:
        """Return what each department has to do for these tasks, for threads of their own."""
        mine: dict[str, set[str]] = {}
        for task in tasks:
            mine.setdefault(task["department"], set()).add(task["template"])
        return [self._work_of(department, wanted) for department, wanted in mine.items()]

    def lines(self, officer: Officer, query: str = "") -> list[dict[str, Any]]:
        """Return the tasks of this application in an officer's list."""
        listed = officer.get(f"tasks?limit=100{query}")["items"]
        return [line for line in listed if line["application_id"] == self.application_id]

    def take(self, department: str, task_id: str) -> tuple[Officer, int]:
        """Claim a task, begin to review it if nobody has, and return its version."""
        clerk = self.town.clerk(department)
        task = clerk.get(f"tasks/{task_id}")["task"]
        task = clerk.do(f"tasks/{task_id}/claim", version=task["version"])["task"]
        if task["status"] == "claimed":
            task = clerk.do(f"tasks/{task_id}/review", version=task["version"])["task"]
        check("task", "in_review", task["status"])
        return clerk, task["version"]

    def propose(self, clerk: Officer, task_id: str, version: int) -> int:
        """Propose to approve, and return the version that the decider sees."""
        proposed = clerk.do(f"tasks/{task_id}/proposal", version=version, **_APPROVED)
        seen: int = proposed["task"]["version"]
        return seen

    def decide(self, department: str, task_id: str, version: int) -> None:
        """Approve what another officer has proposed."""
        decider = self.town.decider(department)
        decided = decider.do(f"tasks/{task_id}/decision", version=version, **_APPROVED)
        check("task", "approved", decided["task"]["status"])

    def _work_of(self, department: str, wanted: set[str]) -> Work:
        def work(shift: Shift) -> None:
            left = set(wanted)
            for _ in range(_LOOKS):
                for line in self.lines(self.town.clerk(department), "&status=ready"):
                    if line["template"] in left:
                        self._handle(shift, line)
                        left.remove(line["template"])
                if not left:
                    return
                shift.wait(LOOK)
            raise Broken(f"{department} never found {', '.join(sorted(left))} in its list")

        return work

    def _handle(self, shift: Shift, line: dict[str, Any]) -> None:
        department, task_id = line["department"], line["id"]
        clerk, version = self.take(department, task_id)
        if line["template"] == _MEETING:
            self._meet(clerk, task_id, version)
        shift.wait(REVIEW[line["template"]])
        version = self.propose(clerk, task_id, version)
        shift.wait(DECISION)
        self.decide(department, task_id, version)

    def _meet(self, clerk: Officer, task_id: str, version: int) -> None:
        """Hold the joint meeting: every invited department speaks, the minutes say what came."""
        called = clerk.do(f"tasks/{task_id}/meetings", version=version)
        (meeting,) = called["meetings"]
        for department in meeting["departments"]:
            member = self.town.clerk(department)
            member.do(f"meetings/{meeting['id']}/opinion", "PUT", opinion="agreed", words="同意")
        closed = clerk.do(f"tasks/{task_id}/meetings/minutes", version=version, minutes="一致同意")
        check("the meeting agreed", True, closed["meetings"][0]["is_agreed"])  # noqa: FBT003
