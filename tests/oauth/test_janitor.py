"""What nobody can use any more is forgotten; what still counts is kept."""

from sqlalchemy import text

from app.factory import Rooms
from app.http.server import Server
from app.oauth import service
from tests.factories import Citizen, later
from tests.oauth.support import make_client, open_browser

TABLES = ("pushed_requests", "interactions", "grants", "authorization_codes", "grant_tokens")


def count(rooms: Rooms, client_id: str) -> dict[str, int]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = {}
        for table in TABLES:
            of = "grant_id in (select id from grants where client_id = :id)"
            where = of if table == "grant_tokens" else "client_id = :id"
            counted = text(f"select count(*) from {table} where {where}")  # noqa: S608
            found[table] = uow.scalar(counted, {"id": client_id}) or 0
        return found


def sweep(rooms: Rooms) -> None:
    with rooms.units.open(actor="test") as uow:
        service.forget_expired(uow)


def test_short_things_go_after_a_day_and_grants_after_ninety(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = make_client(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid offline_access")
    sweep(rooms)
    assert set(count(rooms, rp.client_id).values()) == {1}
    with later(2 * 86_400):
        sweep(rooms)
        left = count(rooms, rp.client_id)
        assert (left["pushed_requests"], left["interactions"], left["grants"]) == (0, 0, 1)
        assert rp.refresh(tokens["refresh_token"]).status_code == 200
    with later(181 * 86_400):
        sweep(rooms)
        assert set(count(rooms, rp.client_id).values()) == {0}


def test_kept_answers_go_after_ten_seconds(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = make_client(app, rooms)
    rp.log_in(open_browser(app, rooms, citizen))
    kept = text(
        "select count(*) from authorization_codes "
        "where client_id = :id and answer_sealed is not null"
    )
    for seconds, expected in ((0, 1), (11, 0)):
        with later(seconds):
            sweep(rooms)
        with rooms.units.open(actor="test", read_only=True) as uow:
            assert uow.scalar(kept, {"id": rp.client_id}) == expected
