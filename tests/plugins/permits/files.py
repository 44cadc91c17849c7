"""Small files of every kind, and what hands them in."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from app.sdk import House
from plugins.permits.models import Application
from plugins.permits.service.answers import materials_for
from plugins.permits.service.applications import answers_of
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.materials import add_file
from plugins.permits.values.materials import NewFile


def a_pdf(text: str = "1") -> bytes:
    """Return a PDF as far as its beginning and its end tell."""
    return f"%PDF-1.7\n% {text}\ntrailer\n%%EOF\n".encode()


def a_png() -> bytes:
    """Return a picture of one point."""
    head = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    )
    return head + b"\x1f\x15\xc4\x89" + b"\x00\x00\x00\x00IEND\xaeB`\x82"


def a_jpeg() -> bytes:
    """Return a JPEG as far as its beginning and its end tell."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"


def an_archive(**entries: bytes) -> bytes:
    """Return an archive; `OFD_xml` is called `OFD.xml` in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            # of one date, so that each process of a run names the tests alike
            entry = zipfile.ZipInfo(name.replace("_", "."))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def hand_in_all(house: House, application_id: UUID) -> None:
    """Let everything be there that an application needs by its answers."""
    with house.unit_of_work() as uow:
        application = uow.lock(Application, application_id)
        bundle = find_bundle(application.bundle, application.bundle_version)
        for material in materials_for(bundle, answers_of(house, application)):
            new = NewFile(f"{material.id}.pdf", a_pdf(material.id))
            add_file(house, uow, application, material, new)


def upload(
    client: FlaskClient,
    headers: Mapping[str, str],
    place: str,
    material: str,
    content: bytes | None = None,
    name: str = "x.pdf",
) -> Any:  # noqa: ANN401 - an answer
    """Hand a file in over HTTP."""
    return client.post(
        f"{place}/materials/{material}/files",
        data=a_pdf(material) if content is None else content,
        query_string={"name": name},
        headers=dict(headers),
        content_type="application/octet-stream",
    )


def upload_all(client: FlaskClient, headers: Mapping[str, str], place: str) -> None:
    """Hand everything in over HTTP that an application needs."""
    listed = client.get(f"{place}/materials", headers=dict(headers))
    assert listed.status_code == 200, listed.text
    for material in listed.json["items"]:
        made = upload(client, headers, place, material["id"])
        assert made.status_code == 201, made.text
