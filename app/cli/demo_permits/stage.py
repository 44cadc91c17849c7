"""What the parts of the demonstration share: the clock, the officers, the applicant, the form."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from app.cli.demo.actors import City
from app.cli.demo.story import Story, check, expect, wait_for
from app.cli.demo.wire import call
from app.cli.demo_permits.actors import PLACE, Applicant, MakeStaff, Officer, Town
from app.cli.demo_permits.figures import minutes_by_department, working_days
from app.core.clock import CITY_TIME, advance, city_date

BUNDLE = "construction-start"
SUPERVISING = "government-services-office"
DAYS = 3


@dataclass(slots=True)
class Stage:
    """Where it is played, and what earlier steps leave for later ones."""

    story: Story
    web: str
    city: City
    clock: Path
    make_staff: MakeStaff
    bundle: dict[str, Any] = field(default_factory=dict)
    days: list[date] = field(default_factory=list)

    def set_clock(self, day: date, at: str) -> None:
        """Let it be this time of the city on a day."""
        self.set_moment(datetime.combine(day, time.fromisoformat(at), CITY_TIME))

    def set_moment(self, moment: datetime) -> None:
        """Let it be a moment, for the web, the worker and this command at once."""
        advance(self.clock, moment)

    def find_days(self) -> None:
        """Find the next working days by the city's calendar, once the worker has read it."""
        self.bundle = expect(call("GET", f"{self.web}{PLACE}/bundles/{BUNDLE}"), 200)
        clerk = Officer(self.web, self.make_staff("department-operator", SUPERVISING), SUPERVISING)
        today = date.fromisoformat(city_date())
        years = [_await_year(clerk, year) for year in (today.year, today.year + 1)]
        differ = [entry for year in years for entry in year["days"]]
        coming = working_days(differ, today)
        self.days = [next(coming) for _ in range(DAYS)]

    def open_town(self) -> Town:
        """Give the seats of a day: two officers at each desk, and who oversees."""
        deciding = sorted({task["department"] for task in self.bundle["tasks"]})
        invited = {name for task in self.bundle["tasks"] for name in task["invited"]}
        seats = [(name, "clerk") for name in sorted(invited | {*deciding, self.bundle["lead"]})]
        seats += [(name, "decider") for name in deciding]
        seats += [(name, "supervisor") for name in (self.bundle["lead"], SUPERVISING)]
        return Town.open(self.web, self.make_staff, seats)

    def apply(self, applicant: Applicant, day: date) -> tuple[dict[str, Any], int]:
        """Apply for everything that a civil building at a road needs."""
        answers = {
            "project-name": "武当新城一期",
            "project-code": "2411-420300-04-01-123456",
            "credit-code": "91420300MA49000000",
            "site-address": "十堰市茅箭区北京北路1号",
            "building-use": "civil",
            "floor-area": 12000,
            "land-area": 8000,
            "earthwork": 500,
            "special-project": True,
            "environment-class": "registration",
            "occupies-road": True,
            "road-area": 30.5,
            "road-until": (day + timedelta(days=60)).isoformat(),
            "start-date": (day + timedelta(days=30)).isoformat(),
        }
        return applicant.apply(BUNDLE, answers)

    def accept(self, town: Town, made: dict[str, Any]) -> dict[str, Any]:
        """Let the lead department accept an application, and return it with its tasks."""
        lead = town.clerk(made["lead"])
        path = f"applications/{made['id']}/acceptance"
        opened: dict[str, Any] = lead.do(path, version=made["version"])
        check("tasks", len(self.bundle["tasks"]), len(opened["tasks"]))
        return opened

    def tell_departments(self, number: str, clock: dict[str, Any]) -> None:
        """Print for each department how long it had its tasks, one line each."""
        late = {task["department"] for task in clock["tasks"] if task["is_overdue"]}
        for department, minutes in minutes_by_department(clock).items():
            with self.story.step(number, f"用时 {department}") as step:
                tasks = [t for t in clock["tasks"] if t["department"] == department]
                parts = ", ".join(f"{t['task']} {t['consumed']} of {t['limit']}" for t in tasks)
                said = "late 超时" if department in late else "in time 按时"
                step.say(f"{minutes} working minutes 工作分钟: {parts}; {said}")


def _await_year(clerk: Officer, year: int) -> dict[str, Any]:
    """Return what the calendar says of a year, once the worker has taken it up."""

    def look() -> dict[str, Any]:
        said: dict[str, Any] = clerk.get(f"calendar?year={year}")
        return said

    return wait_for("the calendar is there", look, lambda seen: seen["version"] > 0)
