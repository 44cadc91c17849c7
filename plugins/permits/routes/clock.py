"""`/v1/permits/applications/…/clock`, `/events`, the calendar and alarms of the desk."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.sdk import Page, citizen, request_unit
from plugins.permits import service
from plugins.permits.routes.common import DESK, blueprint, caller, visible
from plugins.permits.schemas.clock import (
    ApplicationClockSchema,
    CalendarArgs,
    CalendarDayWishSchema,
    CalendarEntrySchema,
    CalendarYearSchema,
    ClockAlarmArgs,
    ClockAlarmSchema,
    ClockArgs,
    ClockExportSchema,
)
from plugins.permits.values.attribution import ApplicationClock, ClockExport
from plugins.permits.values.calendar import CalendarEntry, CalendarYear
from plugins.permits.values.clock import AlarmView


@blueprint.route("/applications/<uuid:application_id>/clock")
class PermitClock(MethodView):
    """Where the time of an application goes."""

    @blueprint.acting("view")
    @blueprint.arguments(ClockArgs, location="query")
    @blueprint.response(200, ApplicationClockSchema)
    def get(self, query: dict[str, Any], application_id: UUID) -> ApplicationClock:
        """Show who holds my application and since when.

        In working minutes: what each task has used of its limit, who has had it for how long, which
        tasks decide when everything ends, and with `finish_by` who has to finish by when.
        """
        reference = citizen().reference
        return service.find_clock(
            request_unit(), reference, application_id, visible(), query["finish_by"]
        )


@blueprint.route("/applications/<uuid:application_id>/events")
class PermitEvents(MethodView):
    """What the clocks of an application are reckoned from."""

    @blueprint.acting("view")
    @blueprint.response(200, ClockExportSchema)
    def get(self, application_id: UUID) -> ClockExport:
        """Export what the clocks of my application are reckoned from.

        `tools/approval_clock.py` recomputes every figure from it, offline.
        """
        return service.export_clock(request_unit(), citizen().reference, application_id, visible())


@blueprint.route("/desk/calendar")
class PermitCalendar(MethodView):
    """The working calendar."""

    @blueprint.staff(DESK)
    @blueprint.arguments(CalendarArgs, location="query")
    @blueprint.response(200, CalendarYearSchema)
    def get(self, query: dict[str, Any]) -> CalendarYear:
        """Show what is said of the days of a year."""
        return service.find_year(request_unit(), query["year"])

    @blueprint.staff(DESK)
    @blueprint.arguments(CalendarDayWishSchema)
    @blueprint.response(200, CalendarEntrySchema)
    def put(self, body: dict[str, Any]) -> CalendarEntry:
        """Say whether offices are open on a day.

        From today on, and by the supervising department only. Running limits are reckoned anew.
        """
        return service.set_day(request_unit(), caller(), **body)


@blueprint.route("/desk/alarms")
class PermitAlarms(MethodView):
    """What was raised about tasks."""

    @blueprint.staff(DESK)
    @blueprint.arguments(ClockAlarmArgs, location="query")
    @blueprint.page(ClockAlarmSchema)
    def get(self, query: dict[str, Any]) -> Page[AlarmView]:
        """List the alarms that my department has to see to."""
        return service.list_alarms(request_unit(), caller(), query["page"], seen=query["seen"])


@blueprint.route("/desk/alarms/<uuid:alarm_id>/sight")
class PermitAlarmSight(MethodView):
    """That somebody has seen an alarm."""

    @blueprint.staff(DESK)
    @blueprint.response(200, ClockAlarmSchema)
    def put(self, alarm_id: UUID) -> AlarmView:
        """Say that an alarm was seen."""
        return service.see_alarm(request_unit(), caller(), alarm_id)
