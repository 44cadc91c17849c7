"""Refresh tokens: the rule, tried by hand, by chance and in parallel."""

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from werkzeug.test import TestResponse

from app.core.tokens import TokenInvalid
from app.factory import Rooms
from app.http.authentication import Authenticator
from app.identity import service
from app.identity.errors import RefreshTokenInvalid
from tests.conftest import World
from tests.factories import bearer, later, make_person
from tests.identity.support import count, deps_of, in_parallel, log_in_quickly

DAY = 86_400


def post(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/v1/auth/sessions/refresh", json={"refresh_token": token})


def redeem(client: FlaskClient, token: str) -> str:
    answer = post(client, token)
    assert answer.status_code == 200, answer.text
    return str(answer.json["refresh_token"])


def assert_over(client: FlaskClient, *tokens: str) -> None:
    for token in tokens:
        answer = post(client, token)
        assert (answer.status_code, answer.json["code"]) == (401, "refresh-token-invalid")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_refresh_gives_the_next_pair(client: FlaskClient, rooms: Rooms) -> None:
    first = log_in_quickly(rooms)
    answer = post(client, first.refresh_token)
    assert answer.status_code == 200
    assert answer.json["session"] == {"id": str(first.session_id)}
    assert answer.json["citizen"] == {"id": str(first.citizen_id), "assurance": "basic"}
    assert answer.json["refresh_token"] != first.refresh_token
    assert client.get("/v1/me", headers=bearer(answer.json["access_token"])).status_code == 200


def test_a_lost_answer_costs_nothing(client: FlaskClient, rooms: Rooms) -> None:
    first = log_in_quickly(rooms)
    lost = redeem(client, first.refresh_token)
    again = redeem(client, first.refresh_token)
    assert again != lost
    redeem(client, again)


def test_a_spent_parent_ends_the_family_at_once(client: FlaskClient, rooms: Rooms) -> None:
    one = log_in_quickly(rooms)
    two = post(client, one.refresh_token).json
    three = post(client, two["refresh_token"]).json
    assert client.get("/v1/me", headers=bearer(three["access_token"])).status_code == 200
    assert_over(client, one.refresh_token, three["refresh_token"], two["refresh_token"])
    with pytest.raises(TokenInvalid):
        rooms.deps[Authenticator].authenticate(three["access_token"], fresh=True)
    causes = (
        "select count(*) from event_log where entity = 'session' and entity_id = :id "
        "and to_state = 'ended' and cause = 'refresh-token-reused'"
    )
    assert count(rooms, causes, id=one.session_id) == 1


def test_a_void_child_ends_the_family(client: FlaskClient, rooms: Rooms) -> None:
    one = log_in_quickly(rooms)
    void = redeem(client, one.refresh_token)
    living = redeem(client, one.refresh_token)
    assert_over(client, void, living, one.refresh_token)


def test_the_first_use_of_a_child_spends_its_parent(client: FlaskClient, rooms: Rooms) -> None:
    one = log_in_quickly(rooms)
    two = redeem(client, one.refresh_token)
    three = redeem(client, two)
    two_again = redeem(client, two)
    assert two_again != three
    redeem(client, two_again)
    assert_over(client, two)


def test_parallel_redeems_of_one_token_leave_one_living_branch(
    client: FlaskClient, rooms: Rooms
) -> None:
    one = log_in_quickly(rooms)
    app = client.application
    answers = in_parallel([lambda: post(app.test_client(), one.refresh_token)] * 20)
    assert [answer.status_code for answer in answers] == [200] * 20
    states = "select count(*) from refresh_tokens where session_id = :id and state = :state"
    tally = {
        state: count(rooms, states, id=one.session_id, state=state)
        for state in ("current", "parent", "spent", "void")
    }
    assert tally == {"current": 1, "parent": 1, "spent": 0, "void": 19}
    redeem(client, one.refresh_token)


def test_parallel_redeems_of_two_generations_never_fork(client: FlaskClient, rooms: Rooms) -> None:
    one = log_in_quickly(rooms)
    two = redeem(client, one.refresh_token)
    app = client.application
    tokens = [one.refresh_token, two] * 8
    answers = in_parallel([lambda t=t: post(app.test_client(), t).status_code for t in tokens])
    assert set(answers) <= {200, 401}
    live = "select count(*) from refresh_tokens where session_id = :id and state = 'current'"
    assert count(rooms, live, id=one.session_id) == 1


def test_a_session_idles_for_fourteen_days(client: FlaskClient, rooms: Rooms) -> None:
    one = log_in_quickly(rooms)
    with later(14 * DAY + 1):
        assert_over(client, one.refresh_token)
    with later(13 * DAY):
        two = redeem(client, one.refresh_token)
    with later(26 * DAY):
        three = redeem(client, two)
    with later(30 * DAY + 1):
        assert_over(client, three)
    with later(29 * DAY):
        redeem(client, three)


@pytest.mark.parametrize("token", ["x", "A" * 43, "_" * 200])
def test_an_unknown_token_is_refused(client: FlaskClient, token: str) -> None:
    assert_over(client, token)


def test_an_ended_session_is_not_refreshed(client: FlaskClient, rooms: Rooms) -> None:
    one = log_in_quickly(rooms)
    gone = client.delete(f"/v1/auth/sessions/{one.session_id}", headers=bearer(one.access_token))
    assert gone.status_code == 204
    assert_over(client, one.refresh_token)


def test_the_refreshed_assurance_is_the_citizens(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    one, person = log_in_quickly(rooms), make_person(world)
    with rooms.units.open(actor="test") as uow:
        claim = person["name"], person["resident_id"]
        service.verify_citizen(uow, deps_of(rooms), one.citizen_id, *claim)
    assert post(client, one.refresh_token).json["citizen"]["assurance"] == "verified"


@dataclass
class Told:
    """What the rule says of one token."""

    secret: str
    state: str
    parent: "Told | None"


def test_the_rule_holds_whatever_the_order(rooms: Rooms) -> None:
    class Family(RuleBasedStateMachine):
        @initialize()
        def log_in(self) -> None:
            first = log_in_quickly(rooms)
            self.session_id = first.session_id
            self.tokens = [Told(first.refresh_token, "current", None)]
            self.is_alive = True

        @rule(back=st.integers(min_value=0, max_value=4))
        def redeem(self, back: int) -> None:
            token = self.tokens[max(0, len(self.tokens) - 1 - back)]
            if not self.is_alive or token.state in {"spent", "void"}:
                self.is_alive = False
                with pytest.raises(RefreshTokenInvalid):
                    self.call(token.secret)
                return
            if token.state == "current":
                if token.parent is not None:
                    token.parent.state = "spent"
                token.state = "parent"
            else:
                child = next(t for t in self.tokens if t.state == "current")
                child.state = "void"
            self.tokens.append(Told(self.call(token.secret), "current", token))

        @invariant()
        def one_branch_lives(self) -> None:
            for state in ("current", "parent", "spent", "void"):
                found = count(
                    rooms,
                    "select count(*) from refresh_tokens where session_id = :id and state = :s",
                    id=self.session_id,
                    s=state,
                )
                assert found == sum(token.state == state for token in self.tokens)
            alive = "select count(*) from sessions where id = :id and status = 'active'"
            assert count(rooms, alive, id=self.session_id) == int(self.is_alive)

        def call(self, secret: str) -> str:
            with rooms.units.open(actor="test") as uow:
                return service.refresh_session(uow, deps_of(rooms), secret).refresh_token

    run_machine(Family, settings=settings(max_examples=25, stateful_step_count=12, deadline=None))
