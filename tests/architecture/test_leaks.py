"""A connection that is never closed fails the run and names the test that opened it."""

import gc

import psycopg
import pytest

from tests.conftest import World


def test_a_connection_that_is_not_closed_names_its_test(
    world: World, request: pytest.FixtureRequest
) -> None:
    opened = [psycopg.connect(world.env["DATABASE_URL"].replace("+psycopg", ""))]
    with pytest.warns(ResourceWarning, match=request.node.name):
        opened.clear()


def test_one_that_is_closed_says_nothing(world: World) -> None:
    opened = [psycopg.connect(world.env["DATABASE_URL"].replace("+psycopg", ""))]
    opened[0].close()
    opened.clear()
    gc.collect()  # a warning is an error in this suite
