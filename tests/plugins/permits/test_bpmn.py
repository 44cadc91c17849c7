"""A bundle as BPMN, executed by another engine step by step beside ours."""

import random
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser, BpmnValidator
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs import BpmnProcessSpec
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from plugins.permits.service.answers import read_answers, tasks_for
from plugins.permits.service.bpmn import draw_bundle, export_bpmn, name_answer, name_outcome
from plugins.permits.service.bpmn_xml import DC, DD, DI, MODEL, write_bpmn
from plugins.permits.service.bundles import find_bundle, list_bundles, load_names, read_bundle
from plugins.permits.service.results import outcome_of
from plugins.permits.values.bundles import Bundle, IssuePolicy
from plugins.permits.values.graph import End, follow
from plugins.permits.values.tasks import TaskReason, TaskStatus
from tests.plugins.permits.answers import CONSTRUCTION, FORMS, RESTAURANT

NAMES = {"m": MODEL, "di": DI, "dc": DC, "dd": DD}
CASES = [(name, number) for name, forms in FORMS.items() for number in range(len(forms))]

# A task that begins after one of two others, both always done, and another one after that.
CHOICE = """
id = "choice"
version = 1
title = { zh = "择一", en = "One of two" }
service = "choice"
lead = "water-bureau"
issue = "as_decided"
intake = { working_days = 1 }
source = "x"
[[fields]]
id = "word"
title = { zh = "词", en = "Word" }
kind = "text"
"""
for name, extra in (
    ("left", ""),
    ("right", ""),
    ("middle", 'after_any = ["left", "right"]'),
    ("last", 'after = ["middle"]'),
):
    CHOICE += f"""
[[tasks]]
id = "{name}"
title = {{ zh = "{name}", en = "{name}" }}
department = "water-bureau"
limit = {{ working_days = 1 }}
fields = ["word"]
source = "x"
{extra}
"""


@cache
def read_process(document: bytes, name: str) -> BpmnProcessSpec:
    """Return a process as SpiffWorkflow reads it, after it was held against the schema of OMG."""
    parser = BpmnParser(validator=BpmnValidator())
    parser.add_bpmn_str(document)
    return parser.get_spec(name)


class Foreign:
    """The process of a bundle in SpiffWorkflow, which knows nothing of us."""

    def __init__(self, document: bytes, bundle: Bundle, answers: Mapping[str, Any]) -> None:
        self.flow = BpmnWorkflow(read_process(document, bundle.id))
        start = self.flow.get_next_task(state=TaskState.READY)
        for field in bundle.fields:
            start.data[name_answer(field.id)] = answers.get(field.id)
        self.flow.do_engine_steps()

    def ready(self) -> set[str]:
        """Return the tasks for which somebody is needed now."""
        return {
            task.task_spec.bpmn_id
            for task in self.flow.get_tasks(state=TaskState.READY, manual=True)
        }

    def decide(self, name: str, outcome: str) -> None:
        """Complete a task, and do what follows by itself."""
        (task,) = [
            task
            for task in self.flow.get_tasks(state=TaskState.READY, manual=True)
            if task.task_spec.bpmn_id == name
        ]
        task.data[name_outcome(name)] = outcome
        task.run()
        self.flow.do_engine_steps()

    def end(self) -> str | None:
        """Return the end event that was reached, once nothing is left to do."""
        if not self.flow.completed:
            return None
        ends = {"completed", "partly-completed", "refused"}
        reached = [
            task.task_spec.bpmn_id
            for task in self.flow.get_tasks(state=TaskState.COMPLETED)
            if task.task_spec.bpmn_id in ends
        ]
        (end,) = set(reached)
        return str(end)


class Ours:
    """The same application by the rules of this house."""

    def __init__(self, bundle: Bundle, answers: Mapping[str, Any]) -> None:
        self.issue = bundle.issue
        self.tasks = tasks_for(bundle, answers)
        self.ends: dict[str, End] = {}
        self.begun: set[str] = set()
        self.step()

    def step(self) -> None:
        """Let begin what may, and leave out what never will."""
        left = [t.id for t in self.tasks if t.id not in self.ends and t.id not in self.begun]
        steps = follow(self.tasks, self.ends, left)
        self.ends |= dict.fromkeys(steps.blocked, End.FAILED)
        self.begun |= set(steps.ready)

    def ready(self) -> set[str]:
        """Return the tasks that have begun and are not decided."""
        if self.issue is IssuePolicy.ATOMIC and End.FAILED in self.ends.values():
            return set()
        return {name for name in self.begun if name not in self.ends}

    def decide(self, name: str, outcome: str) -> None:
        """Decide a task, and do what follows."""
        self.ends[name] = End.PASSED if outcome == "approved" else End.FAILED
        self.step()

    def end(self) -> str | None:
        """Return what the application comes to, or None while something is open."""
        if self.ready():
            return None
        refused = {name for name in self.begun if self.ends.get(name) is End.FAILED}
        briefs: list[Any] = [
            SimpleNamespace(
                status=TaskStatus.APPROVED
                if self.ends.get(task.id) is End.PASSED
                else TaskStatus.REFUSED
                if task.id in refused
                else TaskStatus.NOT_APPLICABLE,
                reason=None if task.id in self.begun else TaskReason.PREDECESSOR_REFUSED,
            )
            for task in self.tasks
        ]
        return outcome_of(self.issue, briefs).replace("_", "-")


def compare(
    document: bytes, bundle: Bundle, answers: Mapping[str, Any], refused: set[str], seed: int
) -> tuple[list[str], str]:
    """Run both engines side by side; return the order of decisions and the end that both had."""
    chance = random.Random(seed)  # noqa: S311 - an order that can be played again
    foreign, ours = Foreign(document, bundle, answers), Ours(bundle, answers)
    order: list[str] = []
    while ready := sorted(ours.ready()):
        assert foreign.ready() == set(ready), f"after {order}"
        assert foreign.end() is None
        name = chance.choice(ready)
        order.append(name)
        for engine in (foreign, ours):
            engine.decide(name, "refused" if name in refused else "approved")
    assert foreign.ready() == set(), f"after {order}"
    end = foreign.end()
    assert end is not None
    assert end == ours.end(), f"after {order}"
    return order, end


@pytest.mark.parametrize(("name", "number"), CASES)
def test_another_engine_takes_the_same_way_to_the_same_end(name: str, number: int) -> None:
    bundle = find_bundle(name)
    answers = read_answers(bundle, FORMS[name][number])
    document = export_bpmn(name)
    tasks = [task.id for task in tasks_for(bundle, answers)]
    order, end = compare(document, bundle, answers, set(), seed=number)
    assert (sorted(order), end) == (sorted(tasks), "completed")
    ends = {compare(document, bundle, answers, {task}, seed=number)[1] for task in tasks}
    assert ends <= {"refused", "partly-completed"}
    assert compare(document, bundle, answers, set(tasks), seed=number)[1] == "refused"


def test_every_order_is_the_same_in_both() -> None:
    bundle = find_bundle("construction-start")
    answers = read_answers(bundle, CONSTRUCTION)
    orders = [
        compare(export_bpmn(bundle.id), bundle, answers, set(), seed=seed)[0] for seed in range(8)
    ]
    assert len({tuple(order) for order in orders}) > 1
    assert all(
        order.index("construction-permit") > order.index("civil-defence") for order in orders
    )


@pytest.mark.parametrize("refused", [set(), {"left"}, {"right"}, {"left", "right"}, {"middle"}])
def test_one_of_two_is_enough_and_none_is_not(refused: set[str]) -> None:
    bundle = read_bundle("choice.toml", CHOICE, load_names())
    document = write_bpmn(draw_bundle(bundle), {})
    for seed in range(6):
        order, _ = compare(document, bundle, {"word": "x"}, refused, seed)
        assert ("middle" in order) == (refused < {"left", "right"} or refused == {"middle"})
        assert ("last" in order) == ("middle" in order and "middle" not in refused)


def test_silence_is_what_the_bundle_says() -> None:
    bundle = find_bundle("restaurant-opening")
    document = export_bpmn(bundle.id)
    at_once = document.replace(b"'P2D'", b"'PT0S'")
    assert at_once.count(b"'PT0S'") == 1
    foreign = Foreign(at_once, bundle, RESTAURANT)
    for name in ("company-registration", "site-visit"):
        foreign.decide(name, "approved")
    foreign.flow.refresh_timers()
    foreign.flow.do_engine_steps()
    assert "signboard" not in foreign.ready()
    assert "food-permit" in foreign.ready()
    for name in sorted(foreign.ready()):
        foreign.decide(name, "approved")
    assert foreign.end() == "completed"
    assert foreign.flow.last_task.data[name_outcome("signboard")] == "approved"


def test_a_limit_that_runs_out_lights_a_lamp_and_stops_nothing() -> None:
    bundle = find_bundle("moving-in")
    at_once = export_bpmn(bundle.id).replace(b"'P5D'", b"'PT0S'")
    foreign = Foreign(at_once, bundle, FORMS["moving-in"][1])
    foreign.flow.refresh_timers()
    foreign.flow.do_engine_steps()
    done = {t.task_spec.bpmn_id for t in foreign.flow.get_tasks(state=TaskState.COMPLETED)}
    assert "red-move-permission" in done
    assert foreign.ready() == {"move-permission"}


@pytest.mark.parametrize("name", sorted(FORMS))
def test_the_document_keeps_the_rules_of_the_standard(name: str) -> None:
    root = etree.fromstring(export_bpmn(name))
    nodes = {e.get("id"): e for e in root.iterfind(".//m:process/*", NAMES) if e.get("id")}
    flows = root.findall(".//m:sequenceFlow", NAMES)
    going: dict[str, list[str]] = {}
    coming: dict[str, list[str]] = {}
    for flow in flows:
        going.setdefault(flow.get("sourceRef"), []).append(flow.get("id"))
        coming.setdefault(flow.get("targetRef"), []).append(flow.get("id"))
    steps = {
        key: e for key, e in nodes.items() if e.tag.split("}")[1] not in ("sequenceFlow", "laneSet")
    }
    for key, element in steps.items():
        kind = element.tag.split("}")[1]
        assert [e.text for e in element.findall("m:incoming", NAMES)] == coming.get(key, [])
        assert [e.text for e in element.findall("m:outgoing", NAMES)] == going.get(key, [])
        assert bool(coming.get(key)) == (kind not in ("startEvent", "boundaryEvent")), key
        assert bool(going.get(key)) == (kind != "endEvent"), key
        if not kind.endswith("Gateway"):
            assert len(going.get(key, [])) <= 1, f"{key} forks without a gateway"
            assert kind == "endEvent" or len(coming.get(key, [])) <= 1, f"{key} joins without one"
        else:
            assert len(coming[key]) == 1 or len(going[key]) == 1, f"{key} joins and forks"
    for flow in flows:
        source = steps[flow.get("sourceRef")]
        conditioned = flow.find("m:conditionExpression", NAMES) is not None
        is_choice = source.tag.endswith("exclusiveGateway") and len(going[source.get("id")]) > 1
        is_default = source.get("default") == flow.get("id")
        assert conditioned == (is_choice and not is_default), flow.get("id")
    in_lanes = [e.text for e in root.iterfind(".//m:flowNodeRef", NAMES)]
    assert sorted(in_lanes) == sorted(steps)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_element_has_its_place_and_none_covers_another(name: str) -> None:
    root = etree.fromstring(export_bpmn(name))
    boxes = {}
    for shape in root.iterfind(".//di:BPMNShape", NAMES):
        bounds = shape.find("dc:Bounds", NAMES)
        sides = [int(bounds.get(side)) for side in ("x", "y", "width", "height")]
        assert min(sides) >= 0
        boxes[shape.get("bpmnElement")] = sides
    diagram = draw_bundle(find_bundle(name))
    assert {node.id for node in diagram.nodes} <= set(boxes)
    width, height = boxes["pool"][2:]
    places: list[Any] = [(n.id, *boxes[n.id]) for n in diagram.nodes if not n.attached_to]
    for one, x, y, w, h in places:
        assert x + w <= width
        assert y + h <= height
        for other, x2, y2, w2, h2 in places:
            apart = x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
            assert one == other or apart, f"{one} covers {other}"
    edges = root.findall(".//di:BPMNEdge", NAMES)
    assert {edge.get("bpmnElement") for edge in edges} == {flow.id for flow in diagram.flows}
    assert all(len(edge.findall("dd:waypoint", NAMES)) > 1 for edge in edges)


def test_the_schema_notices_a_document_that_is_none() -> None:
    document = export_bpmn("moving-in").replace(b"bpmn:userTask", b"bpmn:humanTask")
    with pytest.raises(ValidationException, match="humanTask"):
        read_process(document, "moving-in")


def test_the_same_version_gives_the_same_bytes() -> None:
    for bundle in list_bundles():
        again = write_bpmn(draw_bundle(bundle), load_names().departments)
        assert export_bpmn(bundle.id) == again
