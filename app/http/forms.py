"""Forms and queries as OAuth reads them: each parameter once, empty ones are as good as none."""

from urllib.parse import parse_qsl

from werkzeug import Request
from werkzeug.exceptions import UnsupportedMediaType

from app.core.errors import Malformed

FORM = "application/x-www-form-urlencoded"
_MOST = 100


def read_form(req: Request) -> dict[str, str]:
    """Return the fields of a form in the body; refuse every other type of body."""
    if req.mimetype != FORM or req.headers.get("Content-Encoding"):
        raise UnsupportedMediaType
    return _read(req.get_data())


def read_query(req: Request) -> dict[str, str]:
    """Return the arguments of a query."""
    return _read(req.query_string)


def _read(raw: bytes) -> dict[str, str]:
    """Return the parameters that have a value (RFC 6749, 3.1); refuse one that stands twice."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST,
        )
    except ValueError as error:
        raise Malformed("The parameters cannot be read.") from error
    if len({name for name, _ in pairs}) != len(pairs):
        raise Malformed("A parameter stands twice.")
    return {name: value for name, value in pairs if value}
