"""The example company in this process: as it is, or a copy with a text of its code changed."""

import importlib
import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.core.egress import Egress
from app.sdk.conformance.trial import Trial, open_trials
from app.sdk.remote import City
from config.settings import ROOT

ISSUER = "https://city.example"
REFERENCES = [f"F-{number}" for number in range(1001, 1013)]
Edit = tuple[str, str, str]


@dataclass(frozen=True)
class Company:
    """A running company: its address as the city knows it and as it is, its books, a trial."""

    url: str
    inner: str
    books: Path
    trial: Trial

    def paid(self) -> list[str]:
        """Return the references that its books have as paid, in the order of their booking."""
        with closing(sqlite3.connect(self.books)) as books:
            rows = books.execute("SELECT reference FROM payments ORDER BY number").fetchall()
        return [reference for (reference,) in rows]


def city() -> City:
    """Return a city of its own, with a key that nobody else has."""
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return City.of(Ed25519PrivateKey.generate().private_bytes(*form).decode(), ISSUER)


@contextmanager
def open_company(folder: Path, *edits: Edit, public: str | None = None) -> Iterator[Company]:
    """Run the company from a copy of its code in which each text was exchanged for another.

    `public` is its address, where something stands before it.
    """
    name = f"company_{uuid4().hex}"
    shutil.copytree(ROOT / "examples" / "parking", folder / name)
    for file, before, after in edits:
        path = folder / name / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {file}"
        path.write_text(text.replace(before, after), encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        parts = ("service", "city", "fees", "places")
        service, theirs, books, places = (
            importlib.import_module(f"{name}.{part}") for part in parts
        )
    finally:
        sys.path.remove(str(folder))
    ours = city()
    known = {ours.signer.key_id: ours.signer.key.public_key()}
    fees = books.Fees(folder / "books.sqlite")
    for reference in REFERENCES:
        fees.record_stay(reference, "鄂C·A1234", 95)
    key = theirs.own_key(folder / "key.pem")
    # It has asked for the keys just now: nobody is at that address.
    city_of_theirs = theirs.City(ISSUER, "parking", known, time.monotonic())
    parking = service.Parking(fees, places.Places(folder / "books.sqlite"), city_of_theirs, key, "")
    server = service.serve(parking, "127.0.0.1", 0)
    inner = f"http://127.0.0.1:{server.server_address[1]}"
    url = public or inner
    parking.authority = urlsplit(url).netloc
    manifest = read_manifest() | {"base_url": url, "keys": [theirs.public_jwk(key)]}
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    egress = Egress(frozenset({parking.authority}))
    try:
        (trial,) = open_trials(url, manifest, REFERENCES, ours, egress, {})
        yield Company(url, inner, folder / "books.sqlite", trial)
    finally:
        egress.close()
        server.shutdown()
        server.server_close()
        thread.join()


def read_manifest() -> dict[str, Any]:
    """Return the manifest of the company, without address and keys of its own."""
    path = ROOT / "examples" / "parking" / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest
