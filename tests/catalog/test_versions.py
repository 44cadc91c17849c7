"""Versions of a service: readable by everybody, the same for ever, and compared."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.catalog.values import Catalogue
from app.factory import Rooms
from tests.catalog.conftest import Load, guide, with_source
from tests.conftest import World

FEE = {"name": {"zh": "工本费"}, "amount": 500, "basis": {"zh": "鄂价费"}}


@pytest.fixture
def history(load: Load, catalogue: Catalogue) -> Iterator[str]:
    """Publish a service, change it, withdraw it, and publish it again."""
    for table in (
        guide("versions-told"),
        guide("versions-told", title={"zh": "另一个名称", "en": "Another name"}, fees=[FEE]),
        None,
        guide("versions-told", fees=[FEE]),
    ):
        load(catalogue if table is None else with_source(catalogue, table))
    yield "/v1/services/versions-told/versions"
    load(catalogue)


def test_versions_are_listed_newest_first(client: FlaskClient, history: str) -> None:
    answer = client.get(history)
    assert answer.headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    lines = answer.json["items"]
    first = lines[-1]["version"]
    told = [(line["version"] - first, line["withdrawn"]) for line in lines]
    assert told[:4] == [(3, False), (2, True), (1, False), (0, False)]
    numbers = [line["catalogue"] for line in lines]
    assert numbers == sorted(numbers, reverse=True)
    moments = [line["published_at"] for line in lines]
    assert moments == sorted(moments, reverse=True)
    page = client.get(f"{history}?limit=3").json
    rest = client.get(f"{history}?limit=3&cursor={page['next_cursor']}").json
    assert [*page["items"], *rest["items"]] == lines[:6]


def test_a_version_is_read_as_it_was(client: FlaskClient, history: str) -> None:
    first = client.get(history).json["items"][3]["version"]
    answers = [client.get(f"{history}/{first + more}") for more in range(4)]
    assert [a.headers["Cache-Control"] for a in answers] == ["public, max-age=86400, immutable"] * 4
    one, two, gone, again = (answer.json for answer in answers)
    assert one["content"]["title"] == again["content"]["title"] != two["content"]["title"]
    assert one["content"]["fees"] == []
    assert two["content"]["fees"] == [{**FEE, "currency": "CNY"}]
    assert (one["content"]["department"], one["id"]) == ("water-bureau", "versions-told")
    assert (gone["withdrawn"], gone["content"]) == (True, two["content"])


def test_what_changed_between_two_is_told(client: FlaskClient, history: str) -> None:
    first = client.get(history).json["items"][3]["version"]

    def changed(version: int, query: str = "") -> list[str]:
        answer = client.get(f"{history}/{version}/changes{query}")
        assert answer.status_code == 200, answer.text
        return [change["member"] for change in answer.json["changes"]]

    assert changed(first + 1) == ["fees", "title"]
    assert changed(first + 2) == ["withdrawn"]
    assert changed(first + 3, f"?since={first}") == ["fees"]
    assert changed(first, f"?since={first + 3}") == ["fees"]
    assert changed(first, f"?since={first}") == []
    told = client.get(f"{history}/{first + 3}/changes?since={first}").json
    assert told["changes"] == [
        {"member": "fees", "before": [], "after": [{**FEE, "currency": "CNY"}]}
    ]
    new = client.get(f"{history}/1/changes").json
    assert new["since"] == 0
    assert {change["before"] for change in new["changes"] if change["member"] == "id"} == {None}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("no-such-service/versions", 404, "service-not-found"),
        ("water-bill/versions/0", 404, "version-not-found"),
        ("water-bill/versions/9999", 404, "version-not-found"),
        ("water-bill/versions/99999999999999999999", 404, "version-not-found"),
        ("water-bill/versions/-1", 404, "not-found"),
        ("water-bill/versions/latest", 404, "version-not-found"),
        ("no-such-service/versions/1", 404, "version-not-found"),
        ("water-bill/versions/1/changes?since=9999", 404, "version-not-found"),
        ("water-bill/versions/1/changes?since=x", 422, "invalid-input"),
        ("water-bureau/versions/1", 404, "version-not-found"),
    ],
)
def test_what_never_was_is_not_found(
    client: FlaskClient, path: str, status: int, code: str
) -> None:
    answer = client.get(f"/v1/services/{path}")
    assert (answer.status_code, answer.json["code"]) == (status, code)


ATTEMPTS = (
    "update catalog_entries set content = content || '{\"fees\": []}' where id = 'water-bill'",
    "update catalog_entries set version = 9 where id = 'water-bill'",
    "delete from catalog_entries where id = 'water-bill' and kind = 'service'",
    "truncate catalog_entries",
)


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nobody_changes_a_version(
    client: FlaskClient, world: World, rooms: Rooms, attempt: str
) -> None:
    before = client.get("/v1/services/water-bill/versions/1").json
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(attempt))
    owner = create_engine(world.env["DATABASE_OWNER_URL"])
    try:
        with pytest.raises(IntegrityError, match="is append-only"), owner.begin() as connection:
            connection.execute(text(attempt))
    finally:
        owner.dispose()
    assert client.get("/v1/services/water-bill/versions/1").json == before


def test_a_version_is_there_once(rooms: Rooms) -> None:
    again = text(
        "insert into catalog_entries select kind, id, version, since, true, '{}' "
        "from catalog_entries where kind = 'service' and id = 'water-bill' and version = 1"
    )
    with (
        pytest.raises(IntegrityError, match="pk_catalog_entries"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(again)
