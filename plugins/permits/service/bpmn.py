"""A bundle as a process of BPMN 2.0 that other engines execute (ISO/IEC 19510).

Who starts it gives a variable `answer_…` for each field of the form, null where nothing is
answered; who completes a user task sets `outcome_…` to `approved` or `refused`. Expressions are
Python's. A task that does not apply is `skipped`; one whose predecessor was refused has `failed`,
as the engine here has it, and so have the tasks after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from plugins.permits.service.bpmn_xml import write_bpmn
from plugins.permits.service.bundles import find_bundle, load_names
from plugins.permits.values.bundles import (
    Bundle,
    Comparison,
    Condition,
    Deemed,
    IssuePolicy,
    Mode,
    Operator,
    TaskTemplate,
)
from plugins.permits.values.diagrams import Diagram, Flow, Kind, Node


def export_bpmn(bundle_id: str, version: int | None = None) -> bytes:
    """Return a bundle as a BPMN document; the same version gives the same bytes.

    Raise `BundleNotFound`.
    """
    bundle = find_bundle(bundle_id, version)
    return _export(bundle.id, bundle.version)


@cache
def _export(bundle_id: str, version: int) -> bytes:
    return write_bpmn(draw_bundle(find_bundle(bundle_id, version)), load_names().departments)


def draw_bundle(bundle: Bundle) -> Diagram:
    """Return the process of a bundle; each department of it has a lane."""
    draft = _Draft(bundle)
    draft.add_frame()
    for task in bundle.tasks:
        draft.add_task(task)
    draft.connect()
    return Diagram(
        id=bundle.id,
        title=bundle.title,
        text=bundle.source,
        lanes=draft.lanes,
        nodes=list(draft.nodes.values()),
        flows=draft.flows,
    )


def name_answer(field_id: str) -> str:
    """Return the variable of a field's answer."""
    return f"answer_{_snake(field_id)}"


def name_outcome(task_id: str) -> str:
    """Return the variable of what became of a task."""
    return f"outcome_{_snake(task_id)}"


def express(condition: Condition) -> str:
    """Return a condition as an expression in the variables of the answers."""
    word = " and " if condition.every else " or "
    parts = [_compare(comparison) for comparison in condition.of]
    return parts[0] if len(parts) == 1 else f"({word.join(parts)})"


def _compare(comparison: Comparison) -> str:
    name, value = name_answer(comparison.field), comparison.value
    known = f"{name} is not None"
    if comparison.operator is Operator.PRESENT:
        return known if value else f"{name} is None"
    if comparison.operator is Operator.EQUALS:
        return f"{name} == {value!r}"
    if comparison.operator is Operator.ONE_OF:
        return f"{name} in {list(value) if isinstance(value, tuple) else [value]!r}"
    sign = ">=" if comparison.operator is Operator.AT_LEAST else "<="
    return f"({known} and {name} {sign} {value!r})"


def _snake(name: str) -> str:
    return name.replace("-", "_")


def _failed(names: Sequence[str]) -> list[str]:
    return [f"{name_outcome(name)} in ('refused', 'failed')" for name in names]


@dataclass(slots=True)
class _Draft:
    """A diagram that is being drawn: what leads into each task, and what leads out of it."""

    bundle: Bundle
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    entries: dict[str, str] = field(default_factory=dict)
    exits: dict[str, str] = field(default_factory=dict)
    group: str = ""

    @property
    def lanes(self) -> list[str]:
        """Return the departments: the one that leads first, then as the tasks name them."""
        names = [self.bundle.lead, *(task.department for task in self.bundle.tasks)]
        return list(dict.fromkeys(names))

    @property
    def is_atomic(self) -> bool:
        """Tell whether one refusal ends all."""
        return self.bundle.issue is IssuePolicy.ATOMIC

    def add_frame(self) -> None:
        """Add what stands before the first task and after the last."""
        self._add("start", Kind.START, "受理", self.bundle.lead)
        self._then("start", "begin", Kind.PARALLEL, "")
        self._add("join", Kind.PARALLEL, "", self.bundle.lead)
        outcomes = [name_outcome(task.id) for task in self.bundle.tasks]
        some = " or ".join(f"{outcome} == 'approved'" for outcome in outcomes)
        none = " or ".join(f"{outcome} in ('refused', 'failed')" for outcome in outcomes)
        if self.is_atomic:
            self._add("refused", Kind.END, "不予许可", self.bundle.lead, row=1, terminates=True)
            self._then("join", "completed", Kind.END, "全部办结")
            return
        self._then("join", "end", Kind.EXCLUSIVE, "结果")
        self._add("completed", Kind.END, "全部办结", self.bundle.lead)
        self._add("partly-completed", Kind.END, "部分办结", self.bundle.lead, row=1)
        self._add("refused", Kind.END, "不予许可", self.bundle.lead, row=2)
        self._flow("end", "completed", f"not ({none})")
        self._flow("end", "refused", f"not ({some})")
        self._flow("end", "partly-completed")

    def add_task(self, task: TaskTemplate) -> None:
        """Add a task with the ways around it."""
        self.group = task.id
        lane, name, outcome = task.department, task.id, name_outcome(task.id)
        self._add(name, Kind.USER, task.title["zh"], lane, text=_describe(task), facts=_facts(task))
        wanted = [express(task.when)] if task.when is not None else []
        failures = [] if self.is_atomic else _failed(task.after)
        if task.after_any:
            failures.append(f"choice_{_snake(name)} == 'failed'")
        wanted += [f"not ({each})" for each in failures]
        self.entries[name] = name
        ways = [self._add_time(task)]
        if wanted:
            self.entries[name] = self._add(f"ask-{name}", Kind.EXCLUSIVE, "", lane)
            failed = f"'failed' if {' or '.join(failures)} else " if failures else ""
            script = f"{outcome} = {failed}'skipped'"
            skip = self._add(f"skip-{name}", Kind.SCRIPT, "不办理", lane, row=1, script=script)
            self._flow(self.entries[name], name, " and ".join(wanted))
            self._flow(self.entries[name], skip)
            ways.append(skip)
        self.exits[name] = self._merge(f"over-{name}", ways, lane)

    def connect(self) -> None:
        """Draw the arrows between tasks: gateways where more than one comes or goes."""
        going: dict[str, list[str]] = {task.id: [] for task in self.bundle.tasks}
        for task in self.bundle.tasks:
            self.group = task.id
            entry = self._add_join(task)
            if task.after_any:
                self._flow(self._add_choice(task), entry)
            elif not task.after:
                self._flow("begin", entry)
            for name in task.after:
                going[name].append(entry)
            for name in task.after_any:
                going[name].append(f"told-{task.id}-by-{name}")
        for task in self.bundle.tasks:
            self.group = task.id
            targets = going[task.id] or ["join"]
            source = self.exits[task.id]
            if len(targets) > 1:
                fork = self._add(f"fork-{task.id}", Kind.PARALLEL, "", task.department)
                self._flow(source, fork)
                source = fork
            for target in targets:
                self._flow(source, target)

    def _add_time(self, task: TaskTemplate) -> str:
        """Add the time limit of a task, and return the last element of its own way."""
        lane, name = task.department, task.id
        interrupts = task.deemed is not None
        self._add(
            f"late-{name}",
            Kind.BOUNDARY,
            f"{task.limit.working_days}个工作日",
            lane,
            row=1,
            attached_to=name,
            duration=f"P{task.limit.working_days}D",
            interrupts=interrupts,
            text="Working days of the city's calendar: as many days or more.",
        )
        last = name
        if task.deemed is None:
            self._add(f"red-{name}", Kind.END, "亮红灯", lane, row=2)
            self._flow(f"late-{name}", f"red-{name}")
        else:
            outcome = "approved" if task.deemed is Deemed.APPROVED else "refused"
            title = "视为同意" if task.deemed is Deemed.APPROVED else "视为不同意"
            script = f"{name_outcome(name)} = {outcome!r}"
            self._add(f"deem-{name}", Kind.SCRIPT, title, lane, row=2, script=script)
            self._flow(f"late-{name}", f"deem-{name}")
            last = self._merge(f"done-{name}", [name, f"deem-{name}"], lane)
        if self.is_atomic:
            decided = self._add(f"decided-{name}", Kind.EXCLUSIVE, "", lane)
            self._flow(last, decided)
            self._flow(decided, "refused", f"{name_outcome(name)} == 'refused'")
            last = decided
        return last

    def _add_choice(self, task: TaskTemplate) -> str:
        """Add the wait for one of several tasks, and return its last element.

        Each that is approved gives one signal, and when all are over without, another one says so:
        whoever waits hears the first of them.
        """
        lane, name = task.department, task.id
        granted, over = f"granted-{name}", f"in-vain-{name}"
        wait = self._add(f"wait-{name}", Kind.EVENTS, "", lane, row=2)
        self._add(f"hear-{name}", Kind.CATCH, "其一办结", lane, row=2, signal=granted)
        self._add(f"miss-{name}", Kind.CATCH, "均未获准", lane, row=1, signal=over)
        lost = f"choice_{_snake(name)} = 'failed'"
        self._add(f"lose-{name}", Kind.SCRIPT, "不再等待", lane, row=1, script=lost)
        self._flow(wait, f"hear-{name}")
        self._flow(wait, f"miss-{name}")
        self._flow(f"miss-{name}", f"lose-{name}")
        ways = [f"hear-{name}", f"lose-{name}"]
        script = f"choice_{_snake(name)} = 'open'"
        entry = self._add(f"hope-{name}", Kind.SCRIPT, "等待其一", lane, row=2, script=script)
        self._flow("begin", entry)
        conditions = [self.bundle.task(member).when for member in task.after_any]
        if all(condition is not None for condition in conditions):
            asked = self._add(f"any-{name}", Kind.EXCLUSIVE, "", lane, row=2)
            applies = " or ".join(express(each) for each in conditions if each is not None)
            self._flow(entry, asked)
            self._flow(asked, wait, applies)
            ways.append(asked)
        else:
            self._flow(entry, wait)
        last = self._merge(f"free-{name}", ways, lane)
        tellers = [self._add_teller(task, member, granted) for member in task.after_any]
        self.group, told = f"{task.id}-told", tellers[0]
        if len(tellers) > 1:
            told = self._add(f"all-{name}", Kind.PARALLEL, "", lane)
            for teller in tellers:
                self._flow(teller, told)
        self._add(f"end-{name}", Kind.THROW, "均已办结", lane, signal=over)
        self._flow(told, f"end-{name}")
        self._flow(f"end-{name}", "join")
        return last

    def _add_teller(self, task: TaskTemplate, member: str, signal: str) -> str:
        lane = self.bundle.task(member).department
        self.group = f"{task.id}-by-{member}"
        ask = self._add(f"told-{task.id}-by-{member}", Kind.EXCLUSIVE, "", lane)
        tell = self._add(f"tell-{task.id}-by-{member}", Kind.THROW, "", lane, signal=signal)
        self._flow(ask, tell, f"{name_outcome(member)} == 'approved'")
        return self._merge(f"heard-{task.id}-by-{member}", [tell, ask], lane)

    def _add_join(self, task: TaskTemplate) -> str:
        """Add the gateway at which a task waits for several arrows, and return where they lead."""
        entry = self.entries[task.id]
        if len(task.after) + bool(task.after_any) < 2:  # noqa: PLR2004 - one arrow needs none
            return entry
        join = self._add(f"after-{task.id}", Kind.PARALLEL, "", task.department)
        self._flow(join, entry)
        return join

    def _merge(self, name: str, ways: Sequence[str], lane: str) -> str:
        """Let several ways go on as one."""
        if len(ways) == 1:
            return ways[0]
        merge = self._add(name, Kind.EXCLUSIVE, "", lane)
        for way in ways:
            self._flow(way, merge)
        return merge

    def _then(self, before: str, name: str, kind: Kind, title: str, **more: str) -> str:
        self._add(name, kind, title, self.bundle.lead, **more)
        self._flow(before, name)
        return name

    def _add(self, name: str, kind: Kind, title: str, lane: str, **more: object) -> str:
        self.nodes[name] = Node(name, kind, title, lane, self.group, **more)  # type: ignore[arg-type]
        return name

    def _flow(self, source: str, target: str, condition: str = "") -> None:
        self.flows.append(Flow(source, target, condition))


def _describe(task: TaskTemplate) -> str:
    lines = [task.title["en"], task.source]
    if task.mode is Mode.JOINT_MEETING:
        lines.append(f"Joint meeting with: {', '.join(task.invited)}")
    if task.deemed is not None:
        lines.append(f"Silence: {task.deemed} ({task.deemed_source})")
    lines.append(f"Sets {name_outcome(task.id)} to 'approved' or 'refused'.")
    return "\n".join(lines)


def _facts(task: TaskTemplate) -> Mapping[str, str]:
    facts = {
        "department": task.department,
        "mode": str(task.mode),
        "working-days": str(task.limit.working_days),
        "starts": str(task.limit.starts),
    }
    if task.permit is not None:
        facts["permit"] = task.permit
    return facts
