"""What a token may, besides whose it is: scopes, mandates, systems' own tokens, fresh proofs."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask.views import MethodView

from app.core.clock import now
from app.core.ids import new_id
from app.core.tokens import Mandated, Principal
from app.factory import Rooms, create_app
from app.http.authentication import Authenticator
from app.http.blueprint import Blueprint
from app.http.openapi import document
from config.settings import Settings

blueprint = Blueprint("powers", __name__, url_prefix="/powers", description="Operations to try")
ME = UUID("01890000-0000-7000-8000-000000000001")
APP = UUID("01890000-0000-7000-8000-000000000002")


@blueprint.route("/closed")
class Closed(MethodView):
    """For the city's own apps."""

    @blueprint.response(204)
    def get(self) -> None:
        """Read what is closed."""


@blueprint.route("/bills")
class Bills(MethodView):
    """For others, too."""

    @blueprint.scope("bills.read")
    @blueprint.acting("view")
    @blueprint.response(204)
    def get(self) -> None:
        """Read bills."""


@blueprint.route("/factors")
class Factors(MethodView):
    """For whoever has just proven themselves."""

    @blueprint.step_up
    @blueprint.response(204)
    def post(self) -> None:
        """Change a factor."""


@blueprint.route("/feed")
class Feed(MethodView):
    """For systems."""

    @blueprint.integrator("jobs.import")
    @blueprint.response(204)
    def post(self) -> None:
        """Import a feed."""


class Known(Authenticator):
    """Lets in whoever the test says."""

    def __init__(self, who: Principal) -> None:
        self.who = who

    def authenticate(self, token: str, fresh: bool) -> Principal:  # noqa: FBT001
        return self.who


Ask = Callable[[Principal], FlaskClient]


@pytest.fixture
def ask(settings: Settings, rooms: Rooms) -> Ask:
    def client_of(who: Principal) -> FlaskClient:
        house = Rooms(
            settings,
            rooms.units,
            rooms.jobs,
            rooms.egress,
            rooms.own_egress,
            rooms.hosted,
            {**rooms.deps, Authenticator: Known(who)},
        )
        app = create_app(settings, house)
        app.extensions["api"].register_blueprint(blueprint)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = "Bearer x"
        return client

    return client_of


def citizen(**powers: object) -> Principal:
    return Principal("citizen", ME, new_id(), **powers)


def test_the_citys_own_apps_need_no_scope(ask: Ask) -> None:
    client = ask(citizen())
    assert client.get("/powers/closed").status_code == 204
    assert client.get("/powers/bills").status_code == 204


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        ({"bills.read"}, "/powers/bills", 204),
        ({"payments.read"}, "/powers/bills", 403),
        (set(), "/powers/bills", 403),
        ({"bills.read"}, "/powers/closed", 403),
        ({None}, "/powers/closed", 403),
    ],
)
def test_others_need_the_scope_and_an_operation_that_has_one(
    ask: Ask, scopes: set[str], path: str, status: int
) -> None:
    answer = ask(citizen(client_id=str(APP), scopes=frozenset(scopes))).get(path)
    assert answer.status_code == status
    if status == 403:
        assert answer.json["code"] == "insufficient-scope"
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("actions", "path", "status"),
    [
        ({"water-bill": {"view"}}, "/powers/bills", 204),
        ({"*": {"view", "pay"}}, "/powers/bills", 204),
        ({"*": {"pay"}}, "/powers/bills", 403),
        ({}, "/powers/bills", 403),
        ({"*": {"view", "book", "pay", "submit"}}, "/powers/closed", 403),
    ],
)
def test_a_delegate_needs_the_action_and_an_operation_that_has_one(
    ask: Ask, actions: dict[str, set[str]], path: str, status: int
) -> None:
    mandate = Mandated(new_id(), {name: frozenset(own) for name, own in actions.items()})
    answer = ask(citizen(delegate_id=new_id(), mandate=mandate)).get(path)
    assert answer.status_code == status
    if status == 403:
        assert answer.json["code"] == "acting-not-allowed"


@pytest.mark.parametrize(("seconds", "status"), [(None, 401), (301, 401), (240, 204)])
def test_a_proof_counts_for_five_minutes(ask: Ask, seconds: int | None, status: int) -> None:
    at = None if seconds is None else now() - timedelta(seconds=seconds)
    answer = ask(citizen(stepped_up_at=at)).post("/powers/factors")
    assert answer.status_code == status
    if status == 401:
        assert answer.json["code"] == "step-up-required"
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer realm="wudang", error="insufficient_user_authentication", '
            'acr_values="step-up", max_age=300'
        )


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (Principal("integrator", ME, ME, permissions=frozenset({"jobs.import"})), 204),
        (Principal("integrator", ME, ME, permissions=frozenset({"bills.read"})), 403),
        (Principal("staff", ME, ME, permissions=frozenset({"jobs.import"})), 403),
        (citizen(scopes=frozenset({"jobs.import"})), 403),
    ],
)
def test_systems_operations_are_for_systems(ask: Ask, who: Principal, status: int) -> None:
    assert ask(who).post("/powers/feed").status_code == status


def test_a_system_is_let_in_nowhere_else(ask: Ask) -> None:
    who = Principal("integrator", ME, ME, permissions=frozenset({"bills.read"}))
    assert ask(who).get("/powers/bills").status_code == 403


def test_the_document_says_who_is_let_in(ask: Ask) -> None:
    app = ask(citizen()).application
    spec = document(app.extensions["api"])["paths"]
    assert spec["/powers/feed"]["post"]["security"] == [{"integrator": []}]
    theirs = [{"citizen": []}, {"grant": ["bills.read"]}]
    assert spec["/powers/bills"]["get"]["security"] == theirs


def test_an_actor_says_who_acts_for_whom_and_through_what() -> None:
    other = UUID("01890000-0000-7000-8000-000000000002")
    assert citizen().actor == f"citizen:{ME}"
    assert citizen(delegate_id=other).actor == f"citizen:{other} for citizen:{ME}"
    assert citizen(client_id="parking").actor == f"citizen:{ME} via parking"
