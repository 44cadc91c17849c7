"""Tries a provider on every duty, and says what was found."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from app.core.egress import NoAnswer
from app.core.errors import DomainError
from app.sdk.conformance import (
    answer_duties,
    operation_duties,
    payable_duties,
    request_duties,
)
from app.sdk.conformance.duty import Broken, Duty, Finding, named
from app.sdk.conformance.trial import Trial
from app.sdk.provider import OutcomeUnknown
from app.sdk.wire import NotOfTheContract

DUTIES: tuple[Duty[Any], ...] = (
    *answer_duties.FIRST,
    *payable_duties.DUTIES,
    *answer_duties.DUTIES,
    *request_duties.DUTIES,
    *operation_duties.DUTIES,
)
"""In the order in which they are tried: who does not answer at all is asked no further."""

_UNDONE = "not tried: it does not answer as it should to begin with"


def try_all(trial: Trial, only: Collection[str] = ()) -> tuple[Finding[Any], ...]:
    """Return what became of each duty, or of those that are named."""
    wanted = [duty for duty in DUTIES if not only or duty.id in only]
    findings: list[Finding[Any]] = []
    for duty in wanted:
        is_lost = any(not f.is_kept for f in findings if f.duty in answer_duties.FIRST)
        if is_lost and duty not in answer_duties.FIRST:
            findings.append(Finding(duty, is_kept=False, seen=_UNDONE))
        else:
            findings.append(_try(duty, trial))
    return tuple(findings)


def is_conforming(findings: Sequence[Finding[Any]]) -> bool:
    """Say whether every duty there is was tried and kept: what a badge needs."""
    return {f.duty.id for f in findings if f.is_kept} == {duty.id for duty in DUTIES}


def report(trial: Trial, findings: Sequence[Finding[Any]]) -> Iterable[str]:
    """Return the lines of a report: each duty, and of a broken one what was seen and its cure."""
    yield f"{trial.manifest['name']} at {trial.caller.base_url}"
    width = max(len(duty.id) for duty in DUTIES)
    for finding in findings:
        duty = finding.duty
        word = "kept  " if finding.is_kept else "BROKEN"
        yield f"  {word}  {duty.id:<{width}}  {duty.says}"
        yield f"  {'':6}  {'':{width}}  seen: {finding.seen}"
        if not finding.is_kept:
            yield f"  {'':6}  {'':{width}}  cure: {duty.cure}"
    kept = sum(finding.is_kept for finding in findings)
    yield f"{len(findings)} duties: {kept} kept, {len(findings) - kept} broken"


def _try(duty: Duty[Any], trial: Trial) -> Finding[Any]:
    try:
        return Finding(duty, is_kept=True, seen=duty.keep(trial))
    except Broken as broken:
        return Finding(duty, is_kept=False, seen=str(broken))
    except (DomainError, OutcomeUnknown, NoAnswer, NotOfTheContract) as error:
        return Finding(duty, is_kept=False, seen=named(error))
