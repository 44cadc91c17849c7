"""Whatever graph and whatever is decided: every task ends once, and none begins too early."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from plugins.permits.values.bundles import Limit, TaskTemplate
from plugins.permits.values.graph import End, Standing, follow, standing_of


def task(name: str, after: list[str], after_any: list[str]) -> TaskTemplate:
    return TaskTemplate(
        id=name,
        title={},
        department="x",
        limit=Limit(1),
        source="x",
        after=tuple(after),
        after_any=tuple(after_any),
    )


@st.composite
def graphs(draw: st.DrawFn) -> list[TaskTemplate]:
    """Return the tasks of an acyclic graph: each names some of those before it."""
    made: list[TaskTemplate] = []
    for place in range(draw(st.integers(1, 9))):
        before = [one.id for one in made]
        some = st.lists(st.sampled_from(before), unique=True, max_size=4) if before else st.just([])
        made.append(task(f"t{place}", draw(some), draw(some)))
    return draw(st.permutations(made))


@given(graphs(), st.data())
def test_every_task_ends_in_one_state_and_begins_after_those_it_waits_for(
    graph: list[TaskTemplate], data: st.DataObject
) -> None:
    by_id = {one.id: one for one in graph}
    waiting, ready = set(by_id), set[str]()
    ends: dict[str, End] = {}
    begun_with: dict[str, Mapping[str, End]] = {}
    while True:
        steps = follow(graph, ends, waiting)
        assert not set(steps.ready) & set(steps.blocked)
        assert {*steps.ready, *steps.blocked} <= waiting
        ends |= dict.fromkeys(steps.blocked, End.FAILED)
        begun_with |= {name: dict(ends) for name in steps.ready}
        waiting -= {*steps.ready, *steps.blocked}
        ready |= set(steps.ready)
        if not ready:
            break
        decided = data.draw(st.sampled_from(sorted(ready)))
        ready.remove(decided)
        ends[decided] = data.draw(st.sampled_from(End))
    assert waiting == set()
    assert ends.keys() == by_id.keys()
    for name, known in begun_with.items():
        assert all(known.get(before) is End.PASSED for before in by_id[name].after)
        some = by_id[name].after_any
        assert not some or End.PASSED in [known.get(before) for before in some]
    for name in ends.keys() - begun_with.keys():
        failed = [before for before in by_id[name].after if ends[before] is End.FAILED]
        some = [ends[before] for before in by_id[name].after_any]
        assert failed or (some and set(some) == {End.FAILED})


def test_one_of_several_suffices_and_the_last_failure_blocks() -> None:
    either = task("c", [], ["a", "b"])
    assert standing_of(either, {}) is Standing.WAITING
    assert standing_of(either, {"a": End.FAILED}) is Standing.WAITING
    assert standing_of(either, {"a": End.PASSED}) is Standing.READY
    assert standing_of(either, {"a": End.FAILED, "b": End.FAILED}) is Standing.BLOCKED


def test_a_failure_blocks_whoever_waits_for_whoever_waits_for_it() -> None:
    graph = [task("c", ["b"], []), task("b", ["a"], []), task("a", [], [])]
    steps = follow(graph, {"a": End.FAILED}, ["b", "c"])
    assert set(steps.blocked) == {"b", "c"}
    assert steps.ready == ()
