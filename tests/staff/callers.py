"""One caller of every kind, for the matrix of powers."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient

from app.core.clock import now
from app.core.tokens import Principal, Tokens
from app.factory import Rooms
from app.guests import service as guests
from app.http.authentication import Authenticator
from app.http.server import Server
from app.staff.values import Role
from tests.architecture.powers import Caller
from tests.conftest import World
from tests.delegation.support import acting, give, make_citizen, run
from tests.factories import bearer, log_in, staff_token, verify
from tests.oauth.support import open_browser, plain

FRESH = timedelta(minutes=2)
"""How long a caller is used again: well within the five minutes of a step-up."""


def principal_of(rooms: Rooms, headers: Mapping[str, str]) -> Principal:
    token = headers["Authorization"].partition(" ")[2]
    who: Principal = rooms.deps[Authenticator].authenticate(token, fresh=True)
    return who


def stepped_up(rooms: Rooms, table: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Let a session have proven itself again just now."""
    session_id = principal_of(rooms, headers).session_id
    statement = f"update {table} set stepped_up_at = :at where id = :id"  # noqa: S608 - a constant
    run(rooms, statement, at=now(), id=session_id)
    return headers


class Makers:
    """Makes each caller when it is wanted first, and again when its session is old or has ended."""

    def __init__(self, app: Server, world: World, rooms: Rooms) -> None:
        self.app, self.world, self.rooms = app, world, rooms
        self._known: dict[str, tuple[datetime, Caller]] = {}
        self.makers: dict[str, Callable[[], Mapping[str, str]]] = {
            "nobody": dict,
            "citizen, basic": lambda: self._citizen().auth,
            "citizen, verified": self._verified,
            "citizen, verified and stepped up": lambda: stepped_up(
                rooms, "sessions", self._verified()
            ),
            "client without a scope": self._client,
            "client in its own name": self._integrator,
            "acting without an action": self._acting,
            "guest with a pass for another bill": self._guest,
            **{f"staff, {role}": self._staff(role) for role in Role},
            "staff, finance, not stepped up": lambda: bearer(staff_token(rooms, "finance")),
        }

    def get(self, name: str) -> Caller:
        """Return a caller whose session was begun within two minutes."""
        began, caller = self._known.get(name, (None, None))
        if began is None or caller is None or now() - began > FRESH:
            began, headers = now(), self.makers[name]()
            who = principal_of(self.rooms, headers) if headers else None
            caller = Caller(name, headers, who)
            self._known[name] = began, caller
        return caller

    def forget(self, name: str) -> None:
        """Let a caller be made anew, since its session has ended."""
        del self._known[name]

    def add_integrator(self, scope: str) -> Caller:
        """Return a client in its own name that carries a scope."""
        name = f"client in its own name, {scope}"
        self.makers[name] = lambda: self._integrator(scope)
        return self.get(name)

    def _client_of_app(self) -> FlaskClient:
        return FlaskClient(self.app)

    def _citizen(self) -> Any:  # noqa: ANN401 - a Citizen
        return log_in(self._client_of_app(), self.world, self.rooms)

    def _verified(self) -> Mapping[str, str]:
        citizen = self._citizen()
        verify(self._client_of_app(), self.world, citizen)
        return dict(citizen.auth)

    def _client(self) -> Mapping[str, str]:
        citizen = self._citizen()
        party = plain(self.app, self.rooms, scopes=["phone"])
        browser = open_browser(self.app, self.rooms, citizen)
        return bearer(str(party.log_in(browser, scope="phone")["access_token"]))

    def _integrator(self, scope: str = "services.read") -> Mapping[str, str]:
        party = plain(self.app, self.rooms, scopes=[scope])
        fields = {"grant_type": "client_credentials", "scope": scope}
        answer = party.post("/oauth/token", fields)
        assert answer.status_code == 200, answer.text
        return bearer(str(answer.json["access_token"]))

    def _acting(self) -> Mapping[str, str]:
        client = self._client_of_app()
        giver, helper = (make_citizen(client, self.world, self.rooms) for _ in range(2))
        scope = {"service": "water-bill", "actions": ["view"]}
        mandate = give(client, self.rooms, giver, helper, scope)
        return acting(client, self.rooms, helper, mandate["id"])

    def _guest(self) -> Mapping[str, str]:
        with self.rooms.units.open(actor="test") as uow:
            tokens = self.rooms.deps[Tokens]
            made = guests.admit_guest(uow, tokens, "utilities", "water-bill", "shiyan-water.none")
        return bearer(made.token)

    def _staff(self, role: Role) -> Callable[[], Mapping[str, str]]:
        return lambda: stepped_up(
            self.rooms, "staff_sessions", bearer(staff_token(self.rooms, role))
        )
