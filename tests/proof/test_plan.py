"""A seed decides everything, and its blows reach every place."""

from collections import Counter

from proof.plan import WRITES, every_blow, write_plan
from proof.values import Act, Finish, Start, Victim


def test_a_seed_is_a_plan() -> None:
    plan = write_plan(7, payments=200, kills=150)
    assert plan == write_plan(7, payments=200, kills=150)
    assert plan != write_plan(8, payments=200, kills=150)
    assert (len(plan.stories), len(plan.blows)) == (200, 150)


def test_a_long_plan_has_every_kind_of_story_and_blow() -> None:
    plan = write_plan(7, payments=2000, kills=300)
    assert {story.start for story in plan.stories} == set(Start)
    assert {story.finish for story in plan.stories} == set(Finish)
    counted = Counter(plan.blows)
    assert counted.keys() == set(every_blow())
    assert max(counted.values()) - min(counted.values()) <= 1


def test_no_two_blows_are_the_same() -> None:
    blows = every_blow()
    assert len(blows) == len(set(blows))
    assert set(WRITES) <= {blow.place.operation for blow in blows}


def test_a_short_plan_meets_every_process() -> None:
    plan = write_plan(7, payments=20, kills=12)
    assert {blow.victim for blow in plan.blows} == set(Victim)
    assert {blow.act for blow in plan.blows} == set(Act)
