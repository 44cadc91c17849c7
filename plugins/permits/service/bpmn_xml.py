"""A process diagram as the XML of BPMN 2.0, with what editors need to draw it (BPMN DI).

The same diagram gives the same bytes. The order of elements is that of the standard's schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from xml.etree import ElementTree as ET

from plugins.permits.values.diagrams import EVENTS, GATEWAYS, Diagram, Flow, Kind, Node

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
FACTS = "urn:wudang:permits:bpmn"
PYTHON = "https://www.python.org/"
_PREFIXES = {"bpmn": MODEL, "bpmndi": DI, "dc": DC, "di": DD, "xsi": XSI, "permits": FACTS}

_COLUMN, _ROW, _MARGIN = 170, 110, 60
_EVENT, _GATEWAY, _TASK = (36, 36), (50, 50), (120, 70)


@dataclass(frozen=True, slots=True)
class _Box:
    x: int
    y: int
    width: int
    height: int

    @property
    def left(self) -> tuple[int, int]:
        return self.x, self.y + self.height // 2

    @property
    def right(self) -> tuple[int, int]:
        return self.x + self.width, self.y + self.height // 2

    @property
    def bottom(self) -> tuple[int, int]:
        return self.x + self.width // 2, self.y + self.height


def write_bpmn(diagram: Diagram, lane_titles: Mapping[str, str]) -> bytes:
    """Return the diagram as an XML document in UTF-8."""
    for prefix, uri in _PREFIXES.items():
        ET.register_namespace(prefix, uri)
    root = ET.Element(
        f"{{{MODEL}}}definitions",
        {"id": f"definitions-{diagram.id}", "targetNamespace": FACTS, "expressionLanguage": PYTHON},
    )
    signals = {node.signal: f"signal-{node.signal}" for node in diagram.nodes if node.signal}
    for name, signal_id in signals.items():
        _sub(root, "signal", id=signal_id, name=name)
    pool = _sub(root, "collaboration", id=f"collaboration-{diagram.id}")
    title = diagram.title["zh"]
    _sub(pool, "participant", id="pool", name=title, processRef=diagram.id)
    process = _sub(root, "process", id=diagram.id, name=title, isExecutable="true")
    _sub(process, "documentation").text = f"{diagram.title['en']}\n{diagram.text}"
    lanes = _sub(process, "laneSet", id="lanes")
    for lane in diagram.lanes:
        place = _sub(lanes, "lane", id=f"lane-{lane}", name=lane_titles.get(lane, lane))
        for node in diagram.nodes:
            if node.lane == lane:
                _sub(place, "flowNodeRef").text = node.id
    for node in diagram.nodes:
        _write_node(process, node, diagram, signals)
    for flow in diagram.flows:
        _write_flow(process, flow)
    _write_places(root, diagram)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _write_node(
    process: ET.Element, node: Node, diagram: Diagram, signals: Mapping[str, str]
) -> None:
    going = [flow for flow in diagram.flows if flow.source == node.id]
    element = _sub(process, node.kind, id=node.id)
    if node.name:
        element.set("name", node.name)
    if node.text:
        _sub(element, "documentation").text = node.text
    if node.facts:
        extension = _sub(element, "extensionElements")
        ET.SubElement(extension, f"{{{FACTS}}}task", dict(node.facts))
    for flow in diagram.flows:
        if flow.target == node.id:
            _sub(element, "incoming").text = flow.id
    for flow in going:
        _sub(element, "outgoing").text = flow.id
    if node.kind is Kind.EXCLUSIVE and len(going) > 1:
        element.set("default", next(flow.id for flow in going if not flow.condition))
    if node.kind is Kind.SCRIPT:
        element.set("scriptFormat", PYTHON)
        _sub(element, "script").text = node.script
    _write_event(element, node, signals)


def _write_event(element: ET.Element, node: Node, signals: Mapping[str, str]) -> None:
    if node.signal:
        _sub(element, "signalEventDefinition", signalRef=signals[node.signal])
    if node.terminates:
        _sub(element, "terminateEventDefinition")
    if node.kind is Kind.BOUNDARY:
        element.set("attachedToRef", node.attached_to)
        element.set("cancelActivity", "true" if node.interrupts else "false")
        duration = _sub(_sub(element, "timerEventDefinition"), "timeDuration")
        duration.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
        duration.text = repr(node.duration)


def _write_flow(process: ET.Element, flow: Flow) -> None:
    arrow = _sub(process, "sequenceFlow", id=flow.id, sourceRef=flow.source, targetRef=flow.target)
    if flow.condition:
        condition = _sub(arrow, "conditionExpression")
        condition.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
        condition.text = flow.condition


def _write_places(root: ET.Element, diagram: Diagram) -> None:
    boxes, tops, width = _place(diagram)
    drawing = ET.SubElement(root, f"{{{DI}}}BPMNDiagram", {"id": f"diagram-{diagram.id}"})
    plane = ET.SubElement(
        drawing,
        f"{{{DI}}}BPMNPlane",
        {"id": f"plane-{diagram.id}", "bpmnElement": f"collaboration-{diagram.id}"},
    )
    bottom = max(top + height for top, height in tops.values())
    _write_shape(plane, "pool", _Box(0, 0, width, bottom), isHorizontal="true")
    for lane, (top, height) in tops.items():
        box = _Box(30, top, width - 30, height)
        _write_shape(plane, f"lane-{lane}", box, isHorizontal="true")
    for node in diagram.nodes:
        _write_shape(plane, node.id, boxes[node.id])
    kinds = {node.id: node.kind for node in diagram.nodes}
    for flow in diagram.flows:
        edge = ET.SubElement(
            plane, f"{{{DI}}}BPMNEdge", {"id": f"{flow.id}.edge", "bpmnElement": flow.id}
        )
        source, target = boxes[flow.source], boxes[flow.target]
        for x, y in _bend(source, target, below=kinds[flow.source] is Kind.BOUNDARY):
            ET.SubElement(edge, f"{{{DD}}}waypoint", {"x": str(x), "y": str(y)})


def _bend(source: _Box, target: _Box, *, below: bool) -> list[tuple[int, int]]:
    end = target.left
    if below:
        start = source.bottom
        return [start, (start[0], end[1]), end]
    start = source.right
    if start[1] == end[1]:
        return [start, end]
    middle = end[0] - (_COLUMN - _TASK[0]) // 2
    return [start, (middle, start[1]), (middle, end[1]), end]


def _write_shape(plane: ET.Element, name: str, box: _Box, **more: str) -> None:
    attributes = {"id": f"{name}.shape", "bpmnElement": name, **more}
    shape = ET.SubElement(plane, f"{{{DI}}}BPMNShape", attributes)
    sides = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    ET.SubElement(shape, f"{{{DC}}}Bounds", {side: str(n) for side, n in sides.items()})


def _place(diagram: Diagram) -> tuple[dict[str, _Box], dict[str, tuple[int, int]], int]:
    """Return where each element stands, each lane's top and height, and the width of all.

    An element stands right of all that lead to it. In its lane each line of elements that belong
    together has rows of its own, so nothing covers anything else.
    """
    columns = _columns(diagram)
    rows = _rows(diagram)
    tops: dict[str, tuple[int, int]] = {}
    top = 0
    for lane in diagram.lanes:
        count = 1 + max(rows[node.id] for node in diagram.nodes if node.lane == lane)
        tops[lane] = top, count * _ROW
        top += count * _ROW
    boxes: dict[str, _Box] = {}
    for node in diagram.nodes:
        width, height = _size(node)
        x = _MARGIN + columns[node.id] * _COLUMN + (_TASK[0] - width) // 2
        y = tops[node.lane][0] + rows[node.id] * _ROW + (_ROW - height) // 2
        boxes[node.id] = _Box(x, y, width, height)
    for node in diagram.nodes:
        if node.kind is Kind.BOUNDARY:
            host = boxes[node.attached_to]
            corner = host.x + host.width - 40, host.y + host.height - _EVENT[1] // 2
            boxes[node.id] = _Box(*corner, *_EVENT)
    return boxes, tops, _MARGIN * 2 + (1 + max(columns.values())) * _COLUMN


def _size(node: Node) -> tuple[int, int]:
    if node.kind in EVENTS:
        return _EVENT
    return _GATEWAY if node.kind in GATEWAYS else _TASK


def _columns(diagram: Diagram) -> dict[str, int]:
    before: dict[str, set[str]] = {node.id: set() for node in diagram.nodes}
    for flow in diagram.flows:
        before[flow.target].add(flow.source)
    for node in diagram.nodes:
        if node.attached_to:
            before[node.id].add(node.attached_to)
    columns: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        columns[name] = max((columns[each] + 1 for each in before[name]), default=0)
    return columns


def _rows(diagram: Diagram) -> dict[str, int]:
    """Give each group of elements of a lane rows below those of the group before it."""
    rows: dict[str, int] = {}
    for lane in diagram.lanes:
        first = 0
        groups: dict[str, list[Node]] = {}
        for node in diagram.nodes:
            if node.lane == lane:
                groups.setdefault(node.group, []).append(node)
        for group in groups.values():
            for node in group:
                rows[node.id] = first + node.row
            first += 1 + max(node.row for node in group)
    return rows


def _sub(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{MODEL}}}{tag}", attributes)
