"""Until when a decision is to be paid, and until when what can be done against it."""

from dataclasses import dataclass
from datetime import date

from plugins.traffic.service.rules import Rules
from plugins.traffic.service.terms import last_day


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The last days of a decision's terms, each included.

    `litigate_by` is None while a court does not take the case: before the answer to a
    reconsideration that must come first.
    """

    received_on: date
    pay_by: date
    reconsider_by: date
    litigate_by: date | None
    review_first: bool


def find_defence_day(notified_on: date, rules: Rules) -> date:
    """Return the last day to answer a notice that came on a day; there is no decision yet."""
    return last_day(rules.term("defence", notified_on), notified_on, rules.days_off)


def reckon_deadlines(
    received_on: date, procedure: str, rules: Rules, *, answered_on: date | None = None
) -> Deadlines:
    """Return the terms of a decision received on a day of the city.

    `answered_on` is the day on which the answer to a reconsideration came, or on which the
    authority ought to have answered and did not: from then on the term for a court is another.
    Raise `NoRule` for a decision older than the rules.
    """

    def ends(name: str, received: date) -> date:
        return last_day(rules.term(name, received), received, rules.days_off)

    review_first = rules.goes_to_review_first(procedure, received_on)
    litigate_by = None
    if answered_on is not None:
        litigate_by = ends("litigation-after-reconsideration", answered_on)
    elif not review_first:
        litigate_by = ends("litigation", received_on)
    return Deadlines(
        received_on=received_on,
        pay_by=ends("pay", received_on),
        reconsider_by=ends("reconsideration", received_on),
        litigate_by=litigate_by,
        review_first=review_first,
    )
