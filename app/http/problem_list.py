"""What each code of a problem document means: the address that its `type` names."""

from collections.abc import Mapping, Sequence

from flask.views import MethodView
from marshmallow import fields

from app.core.errors import NotFound
from app.http.blueprint import Blueprint
from app.http.fields import Schema
from app.http.problems import ProblemKind, known_kinds

blueprint = Blueprint("problems", __name__, description="What the codes of refusals mean")


class ProblemKindSchema(Schema):
    """One code: its status, its titles, and when it is answered."""

    code = fields.String(required=True, metadata={"examples": ["payment-in-progress"]})
    status = fields.Integer(required=True, metadata={"examples": [409]})
    title = fields.String(required=True, attribute="title_en")
    title_zh = fields.String(required=True)
    when = fields.String(required=True)


class ProblemKindsSchema(Schema):
    """Every code, by status."""

    items = fields.List(fields.Nested(ProblemKindSchema), required=True)


@blueprint.route("")
class Problems(MethodView):
    """The codes."""

    @blueprint.public
    @blueprint.response(200, ProblemKindsSchema)
    def get(self) -> Mapping[str, Sequence[ProblemKind]]:
        """List the problem codes."""
        return {"items": known_kinds()}


@blueprint.route("/<slug:code>")
class Problem(MethodView):
    """One code."""

    @blueprint.public
    @blueprint.response(200, ProblemKindSchema)
    def get(self, code: str) -> ProblemKind:
        """Read what a problem code means."""
        found = next((kind for kind in known_kinds() if kind.code == code), None)
        if found is None:
            raise NotFound
        return found
