"""Speaks to the police's system: what an answer means, and what no answer means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from app.sdk import Fulfilment, House, HttpClient, NoAnswer, OutcomeUnknown, Reader, Reply
from plugins.traffic.errors import PoliceUnavailable, refusal
from plugins.traffic.values import (
    CURRENCY,
    DIGEST,
    MAX_FINE,
    POLICE_NUMBER,
    Decision,
    DecisionWish,
    Outcome,
    PoliceCase,
    PoliceStudy,
    Speed,
    StudyKind,
)

_DONE, _CREATED, _NOT_FOUND, _DOWN = 200, 201, 404, 503
_REFUSING = frozenset({404, 409, 422})
_MOST_POINTS = 12
_MOST_CASES = 500
_read = Reader(PoliceUnavailable)


class AnswerUnclear(OutcomeUnknown):
    """The police are done with the request, and their answer does not say what they did."""


@dataclass(frozen=True, slots=True)
class HoldersCases:
    """What the police have of a driving licence."""

    cases: list[PoliceCase]
    licence_class: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class PoliceClient:
    """The police's system behind one address and one key."""

    http: HttpClient
    url: str
    key: str

    @classmethod
    def of(cls, house: House) -> "PoliceClient":
        """Return the client that the settings describe."""
        settings = house.settings
        return cls(house.http, settings["police_url"].rstrip("/"), settings["police_key"])

    def of_vehicle(self, plate: str, engine_tail: str) -> list[PoliceCase] | None:
        """Return the cases of a vehicle, or None unless both facts are of one vehicle."""
        found = self._search({"plate": plate, "engine": engine_tail})
        return None if found is None else _cases(found)

    def of_licence(self, number: str, archive: str) -> HoldersCases | None:
        """Return a licence and its holder's cases, or None unless both facts are of one licence."""
        found = self._search({"licence": number, "archive": archive})
        if found is None:
            return None
        licence = found.get("licence")
        if not isinstance(licence, dict):
            raise PoliceUnavailable
        return HoldersCases(
            _cases(found), _read.text(licence, "class"), _read.day(licence, "issued_on")
        )

    def studies(self, number: str, archive: str) -> list[PoliceStudy] | None:
        """Return the courses a licence's holder took, or None unless both facts are of one."""
        found = self._search({"licence": number, "archive": archive}, path="study-searches")
        if found is None:
            return None
        items = found.get("items")
        if not isinstance(items, list) or len(items) > _MOST_CASES:
            raise PoliceUnavailable
        return [_study(item if isinstance(item, dict) else {}) for item in items]

    def credit(self, study_no: str, key: str, points: int) -> None:
        """Have written down that a course takes points away; raises as `decide`."""
        self._tell(f"studies/{_part(study_no)}/credits", {"key": key, "points": points})

    def of_decision(self, decision_no: str) -> PoliceCase | None:
        """Return the case of a decision as it is now, or None when there is none."""
        reply = self.http.get(f"{self.url}/decisions/{_part(decision_no)}", headers=self._headers)
        body = _read.members(reply)
        if (reply.status, body.get("code")) == (_NOT_FOUND, "decision-not-found"):
            return None
        if reply.status != _DONE:
            raise PoliceUnavailable
        case = read_case(body)
        if case.decision is None or case.decision.decision_no != decision_no:
            raise PoliceUnavailable
        return case

    def evidence(self, notice_no: str, place: int) -> bytes | None:
        """Return the bytes of a violation's picture, or None when there are not so many."""
        path = f"{self.url}/evidence/{_part(notice_no)}/{place}"
        reply = self.http.get(path, headers=self._headers)
        if reply.status == _NOT_FOUND:
            return None
        if reply.status != _DONE:
            raise PoliceUnavailable
        return reply.body

    def knows(self, decision_no: str, digits: str) -> bool:
        """Say whether somebody's digits are a second fact of a decision; False for none such."""
        path = f"{self.url}/decisions/{_part(decision_no)}/checks"
        try:
            reply = self.http.post(path, {"digits": digits}, headers=self._headers)
        except NoAnswer as error:
            raise PoliceUnavailable from error
        body = _read.members(reply)
        if (reply.status, body.get("code")) == (_NOT_FOUND, "decision-not-found"):
            return False
        if reply.status != _DONE or body.get("result") not in {"match", "mismatch"}:
            raise PoliceUnavailable
        return bool(body["result"] == "match")

    def decide(self, notice_no: str, key: str, wish: DecisionWish) -> PoliceCase:
        """Have a decision written down, and return the case with it; the same key decides once.

        Raise `PoliceUnavailable` when it surely was not, a final refusal, and `OutcomeUnknown`.
        """
        body = {
            "key": key,
            "kind": wish.outcome,
            "fine": wish.fine,
            "points": wish.points,
            "reason": wish.reason,
        }
        reply = self._tell(f"violations/{_part(notice_no)}/decisions", body)
        try:
            case = read_case(_read.members(reply))
        except PoliceUnavailable as error:
            raise AnswerUnclear("a decision was answered with something else") from error
        if case.notice_no != notice_no or case.decision is None:
            raise AnswerUnclear("a decision was answered with something else")
        return case

    def change(self, decision_no: str, key: str, body: Mapping[str, object]) -> None:
        """Have the change of a decision written down; raises as `decide`."""
        self._tell(f"decisions/{_part(decision_no)}/changes", {"key": key, **body})

    def post(self, body: Mapping[str, object]) -> Fulfilment:
        """Tell that money was paid for a decision; raises as `decide`."""
        try:
            return _fulfilment(_read.members(self._tell("postings", body)))
        except PoliceUnavailable as error:
            raise AnswerUnclear("a posting was answered with something else") from error

    def posting(self, key: str) -> Fulfilment | None:
        """Return what was booked under a key, or None when nothing was."""
        reply = self.http.get(f"{self.url}/postings/by-key/{_part(key)}", headers=self._headers)
        body = _read.members(reply)
        if (reply.status, body.get("code")) == (_NOT_FOUND, "posting-not-found"):
            return None
        if reply.status != _DONE:
            raise PoliceUnavailable
        return _fulfilment(body)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def _search(
        self, facts: Mapping[str, str], *, path: str = "searches"
    ) -> Mapping[str, Any] | None:
        """Return what belongs to two facts; they stand in a body, as addresses are logged."""
        try:
            reply = self.http.post(f"{self.url}/{path}", facts, headers=self._headers)
        except NoAnswer as error:
            raise PoliceUnavailable from error
        body = _read.members(reply)
        if reply.status == _NOT_FOUND and body.get("code") == "not-found":
            return None
        if reply.status != _DONE:
            raise PoliceUnavailable
        return body

    def _tell(self, path: str, body: Mapping[str, object]) -> Reply:
        """Tell something that counts; return the answer to what was taken."""
        try:
            reply = self.http.post(f"{self.url}/{path}", body, headers=self._headers)
        except NoAnswer as error:
            if error.may_have_acted:
                raise OutcomeUnknown("the police did not answer") from error
            raise PoliceUnavailable from error
        if reply.status in {_DONE, _CREATED}:
            return reply
        code = _read.members(reply).get("code")
        if (reply.status, code) == (_DOWN, "down"):
            # The one failure of which the police promise that nothing happened.
            raise PoliceUnavailable
        if reply.status in _REFUSING and isinstance(code, str):
            raise refusal(code)
        raise AnswerUnclear(f"the police answered {reply.status}")


def read_case(body: Mapping[str, Any]) -> PoliceCase:
    """Return a case, or raise `PoliceUnavailable` when anything in it makes no sense."""
    status = _read.text(body, "status")
    if status not in {"recorded", "decided", "paid", "withdrawn"}:
        raise PoliceUnavailable
    told = body.get("decision")
    if told is None and status in {"decided", "paid"}:
        raise PoliceUnavailable
    return PoliceCase(
        notice_no=_number(body, "notice_no"),
        plate=_read.text(body, "plate"),
        vehicle_class=_read.text(body, "vehicle_class"),
        offence_code=_read.text(body, "offence_code"),
        title=_title(body.get("title")),
        legal_basis=_read.text(body, "legal_basis"),
        place=_read.text(body, "place"),
        at=_read.moment(body, "at"),
        speed=_speed(body.get("speed")),
        evidence=_evidence(body.get("evidence")),
        authority=_read.text(body, "authority"),
        recorder=_read.text(body, "officer"),
        points=_read.whole(body, "points", _MOST_POINTS),
        is_withdrawn=status == "withdrawn",
        decision=None if told is None else _decision(told),
    )


def _decision(body: object) -> Decision | None:
    """Return a decision; one that was not served yet binds nobody, and is none."""
    if not isinstance(body, dict) or body.get("currency") != CURRENCY:
        raise PoliceUnavailable
    if body.get("served_on") is None:
        return None
    try:
        outcome = Outcome(_read.text(body, "kind"))
    except ValueError as error:
        raise PoliceUnavailable from error
    decision = Decision(
        decision_no=_number(body, "decision_no"),
        outcome=outcome,
        procedure=_read.text(body, "procedure"),
        fine=_read.whole(body, "fine", MAX_FINE),
        points=_read.whole(body, "points", _MOST_POINTS),
        decided_at=_read.moment(body, "decided_at"),
        served_on=_read.day(body, "served_on"),
        served_by=_read.text(body, "served_by"),
        paid=_read.whole(body, "paid", MAX_FINE),
        surcharge_paid=_read.whole(body, "surcharge_paid", MAX_FINE),
    )
    if (outcome is Outcome.PENALTY) != (decision.fine > 0):
        raise PoliceUnavailable
    return decision


def _cases(body: Mapping[str, Any]) -> list[PoliceCase]:
    items = body.get("items")
    if not isinstance(items, list) or len(items) > _MOST_CASES:
        raise PoliceUnavailable
    return [read_case(item if isinstance(item, dict) else {}) for item in items]


def _study(body: Mapping[str, Any]) -> PoliceStudy:
    try:
        kind = StudyKind(_read.text(body, "kind"))
    except ValueError as error:
        raise PoliceUnavailable from error
    return PoliceStudy(
        study_no=_number(body, "study_no"),
        kind=kind,
        finished_on=_read.day(body, "finished_on"),
        is_passed=body.get("passed") is True,
        credited=_read.whole(body, "credited", _MOST_POINTS),
    )


def _speed(value: object) -> Speed | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise PoliceUnavailable
    return Speed(_read.whole(value, "measured", 1000), _read.whole(value, "limit", 1000))


def _evidence(value: object) -> tuple[Mapping[str, str], ...]:
    if not isinstance(value, list):
        raise PoliceUnavailable
    found = []
    for item in value:
        if not isinstance(item, dict):
            raise PoliceUnavailable
        one = {name: _read.text(item, name) for name in ("kind", "sha256", "url")}
        if re.fullmatch(DIGEST, one["sha256"]) is None:
            raise PoliceUnavailable
        found.append(one)
    return tuple(found)


def _title(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise PoliceUnavailable
    return {language: _read.text(value, language) for language in ("zh", "en")}


def _fulfilment(body: Mapping[str, Any]) -> Fulfilment:
    return Fulfilment(_read.text(body, "reference"), _read.moment(body, "at"))


def _number(body: Mapping[str, Any], name: str) -> str:
    value = _read.text(body, name)
    if re.fullmatch(POLICE_NUMBER, value) is None:
        raise PoliceUnavailable
    return value


def _part(value: str) -> str:
    return quote(value, safe="")
