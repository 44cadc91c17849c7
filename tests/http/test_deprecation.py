"""An operation that will end says so on each answer and in the document (RFC 9745, RFC 8594)."""

from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

import pytest
from flask.views import MethodView

from app.core.errors import NotFound
from app.factory import Rooms, create_app
from app.http.blueprint import Blueprint
from app.http.deprecation import Deprecation
from app.http.openapi import document
from config.settings import Settings

blueprint = Blueprint("ending", __name__, url_prefix="/ending", description="What ends")
PAGE = "https://city.example/changes#ending"


@blueprint.route("/old")
class Old(MethodView):
    """What will end."""

    @blueprint.public
    @blueprint.deprecated(date(2026, 12, 1), date(2027, 6, 1), PAGE)
    @blueprint.response(204)
    def get(self) -> None:
        """Read the old way."""

    @blueprint.public
    @blueprint.deprecated(date(2026, 12, 1), date(2027, 6, 1), PAGE)
    @blueprint.response(204)
    def post(self) -> None:
        """Refuse the old way."""
        raise NotFound

    @blueprint.public
    @blueprint.response(204)
    def put(self) -> None:
        """Stay as it is."""


def test_every_answer_says_since_when_until_when_and_what_then(
    settings: Settings, rooms: Rooms
) -> None:
    app = create_app(settings, rooms)
    app.extensions["api"].register_blueprint(blueprint)
    client = app.test_client()
    for answer, status in ((client.get("/ending/old"), 204), (client.post("/ending/old"), 404)):
        assert answer.status_code == status
        since = answer.headers["Deprecation"]
        assert since[0] == "@"
        assert datetime.fromtimestamp(int(since[1:]), UTC) == datetime(2026, 12, 1, tzinfo=UTC)
        ends = parsedate_to_datetime(answer.headers["Sunset"])
        assert ends == datetime(2027, 6, 1, tzinfo=UTC)
        assert answer.headers["Link"] == f'<{PAGE}>; rel="deprecation"; type="text/html"'
    for answer in (client.put("/ending/old"), client.get("/v1/categories")):
        assert answer.status_code < 300
        assert not {"Deprecation", "Sunset", "Link"} & set(answer.headers.keys())
    methods = document(app.extensions["api"])["paths"]["/ending/old"]
    assert (methods["get"]["deprecated"], methods["get"]["x-sunset"]) == (True, "2027-06-01")
    assert "deprecated" not in methods["put"]


def test_nothing_ends_before_it_is_deprecated() -> None:
    with pytest.raises(ValueError, match="before it is deprecated"):
        Deprecation(date(2026, 12, 2), date(2026, 12, 1), PAGE)
