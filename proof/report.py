"""What a run found, in figures."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proof.values import Act, Evidence, Row, Struck, Violation

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Settling:
    """How long it took, after a kill, until the payments it met were at their end, in seconds."""

    samples: Sequence[float]

    @property
    def median(self) -> float:
        """Return the median."""
        return statistics.median(self.samples) if self.samples else 0.0

    @property
    def longest(self) -> float:
        """Return the longest."""
        return max(self.samples, default=0.0)


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a run."""

    seed: int
    fault: str | None
    seconds: float
    evidence: Evidence
    struck: Sequence[Struck]
    missed: int
    displaced: int
    ended_alone: Sequence[str]
    unanswered_probes: int
    settling: Settling
    violations: Sequence[Violation]
    timelines: Mapping[str, Sequence[str]]

    @property
    def calls(self) -> int:
        """Return how many calls the product was sent."""
        return len(self.evidence.calls)

    @property
    def kinds_of_kills(self) -> int:
        """Return at how many different places and processes it was killed."""
        return len({(blow.place, blow.process.rstrip("-12"), blow.act) for blow in self.struck})

    def lines(self) -> list[str]:
        """Return the report, line by line."""
        evidence = self.evidence
        paid = sum(row["status"] == "succeeded" for row in evidence.payments)
        states = Counter(row["status"] for row in evidence.items)
        lost = sum(call.status is None for call in evidence.calls)
        probes = len(evidence.probes)
        zero = sum(not any(probe["balance"].values()) for probe in evidence.probes)
        lines = [
            "",
            f"seed {self.seed}" + (f", planted fault: {self.fault}" if self.fault else ""),
            (
                f"{self.calls} calls ({lost} without an answer), {len(evidence.payments)} payments"
                f" ({paid} paid) of {len(evidence.bills)} bills, in {self.seconds:.0f} s"
            ),
            (
                f"{len(evidence.intents)} intents, {len(evidence.gateway_refunds)} refunds,"
                f" {len(evidence.deliveries)} webhooks, {len(evidence.postings)} notices,"
                f" {len(evidence.receipts)} receipts, {len(evidence.ledger)} ledger lines"
            ),
            "items: " + ", ".join(f"{count} {state}" for state, count in states.most_common()),
            (
                f"trial balance: {probes} probes, {zero} zero"
                f" ({self.unanswered_probes} while PostgreSQL was down)"
            ),
            "",
            (
                f"{len(self.struck)} kills of {self.kinds_of_kills} kinds"
                f" ({self.missed} times nobody came by a place within its patience;"
                f" {self.displaced} fell anywhere instead)"
            ),
            *self._kills(),
        ]
        if self.ended_alone:
            ended = Counter(self.ended_alone)
            says = ", ".join(f"{name} {count} times" for name, count in ended.items())
            lines.append(f"ended by themselves and were started again: {says}")
        lines += [
            "",
            (
                f"settled after a kill: median {self.settling.median:.1f} s,"
                f" longest {self.settling.longest:.1f} s"
                f" ({len(self.settling.samples)} payments met)"
            ),
            *self._away(),
            "",
            *self._violations(),
        ]
        return lines

    def _kills(self) -> list[str]:
        counted: Counter[tuple[str, str]] = Counter()
        for blow in self.struck:
            how = "frozen " if blow.act is Act.FREEZE else ""
            counted[str(blow.place), how + blow.process.rstrip("-12")] += 1
        width = max((len(place) for place, _ in counted), default=0)
        return [
            f"  {place:<{width}}  {process:<14} {count:>4}"
            for (place, process), count in sorted(counted.items())
        ]

    def _away(self) -> list[str]:
        lines = []
        for process in sorted({blow.process for blow in self.struck}):
            away = [b.away for b in self.struck if b.process == process and b.act is Act.KILL]
            if away:
                says = f"median {statistics.median(away):.1f} s, longest {max(away):.1f} s"
                lines.append(f"  {process} back after its kill: {says}")
        return lines

    def _violations(self) -> list[str]:
        if not self.violations:
            return ["0 violations"]
        by_rule = Counter(violation.rule for violation in self.violations)
        says = ", ".join(f"{count} of {rule!r}" for rule, count in by_rule.most_common())
        lines = [f"{len(self.violations)} VIOLATIONS: {says}"]
        for rule in by_rule:
            found = [violation for violation in self.violations if violation.rule == rule]
            lines += [f"  {violation}" for violation in found[:_SHOWN]]
            if len(found) > _SHOWN:
                lines.append(f"  … and {len(found) - _SHOWN} more of {rule!r}")
        for subject, timeline in self.timelines.items():
            lines += [f"  what happened to {subject}:", *(f"    {line}" for line in timeline)]
        return lines


def measure(
    struck: Sequence[Struck], settled: Sequence[Row], paid_at: dict[str, float]
) -> Settling:
    """Return how long each payment took that was paid for and under way when a kill struck."""
    samples = []
    for row in settled:
        paid, done = paid_at.get(row["payment_id"]), row["settled_at"]
        if paid is None or done is None:
            continue
        samples += [done - blow.at for blow in struck if paid <= blow.at < done]
    return Settling(samples)
