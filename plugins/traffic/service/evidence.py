"""Showing a picture of the police: the one that the notice names, marked with who looked and when.

Citizens get no other address than ours, so no unmarked copy leaves the city. Each view has a number
that stands in the picture and in the trail.
"""

from datetime import datetime
from hashlib import sha256
from io import BytesIO
from uuid import UUID

from app.sdk import CITY_TIME, House, UnitOfWork, new_id, now
from plugins.traffic.client import PoliceClient
from plugins.traffic.errors import EvidenceAltered, EvidenceNotFound
from plugins.traffic.events import EvidenceViewed
from plugins.traffic.service.violations import own
from plugins.traffic.values import PNG, EvidenceView

_MOST_PIXELS = 24_000_000
_FORMATS = ("PNG", "JPEG")
_OPACITY = 150
_ACROSS = 32
"""About how many letters of the mark fill the width of a picture."""


def view_evidence(
    house: House, uow: UnitOfWork, citizen_reference: str, violation_id: UUID, digest: str
) -> EvidenceView:
    """Return a picture of a citizen's violation, marked; the trail knows each view.

    `digest` is the SHA-256 by which the notice names it. Raise `ViolationNotFound`,
    `EvidenceNotFound`, `PoliceUnavailable`, and `EvidenceAltered` when the police deliver another.
    """
    with house.unit_of_work() as before:
        violation = own(before, citizen_reference, violation_id)
    named = [one["sha256"] for one in violation.evidence]
    if digest not in named:
        raise EvidenceNotFound
    place = named.index(digest) + 1
    picture = PoliceClient.of(house).evidence(violation.notice_no, place)
    if picture is None:
        raise EvidenceNotFound
    if sha256(picture).hexdigest() != digest:
        raise EvidenceAltered
    view, moment = new_id(), now()
    marked = mark_picture(picture, mark_of(citizen_reference, view, moment))
    uow.record(EvidenceViewed(violation_id=violation.id, place=place, view=view))
    return EvidenceView(marked, PNG, view)


def mark_of(citizen_reference: str, view: UUID, moment: datetime) -> str:
    """Return what stands in a picture: who looked (not by name), when, and the view."""
    who = sha256(citizen_reference.encode()).hexdigest()[:8]
    return f"{moment.astimezone(CITY_TIME):%Y-%m-%d %H:%M:%S} {who} {view.hex[-12:]}"


def mark_picture(picture: bytes, mark: str) -> bytes:
    """Return a picture as PNG with a mark written across all of it, so that no part is without.

    Raise `EvidenceAltered` for what is no picture, or one that is too large to be opened.
    """
    from PIL import (  # noqa: PLC0415 - only whoever shows a picture loads it
        Image,
        ImageDraw,
        ImageFont,
        UnidentifiedImageError,
    )

    try:
        with Image.open(BytesIO(picture), formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise EvidenceAltered
            base = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise EvidenceAltered from error
    size = max(10, base.width // _ACROSS)
    font = ImageFont.load_default(size=size)
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    for line, top in enumerate(range(0, base.height, 4 * size)):
        at = (-(line % 2) * base.width // 3, top)
        words = f"{mark}   {mark}   {mark}"
        pen.text((at[0] + 1, at[1] + 1), words, font=font, fill=(0, 0, 0, _OPACITY))
        pen.text(at, words, font=font, fill=(255, 255, 255, _OPACITY))
    out = BytesIO()
    Image.alpha_composite(base, layer).convert("RGB").save(out, "PNG", compress_level=1)
    return out.getvalue()
