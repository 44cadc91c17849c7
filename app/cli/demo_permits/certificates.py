"""The certificates of what was granted: on paper, as anybody checks them, and as credentials."""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.cli.demo.story import Broken, check, expect
from app.cli.demo.wire import call
from app.cli.demo_permits.actors import Applicant
from app.core import jose

CREDENTIAL_TYPE, LIST_TYPE = "dc+sd-jwt", "statuslist+jwt"
SHOWN = "holder_name"
_MEMBERS = ("alg", "typ", "kid")
_MINE = "/v1/me/certificates"
_WRONG_CODE = "a" * 16


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that was looked at from every side."""

    title: str
    number: str
    pdf_bytes: int
    holder: str


def look_at_certificates(
    web: str, applicant: Applicant, ended: Mapping[str, Any], name: str
) -> Iterator[Shown]:
    """Yield each certificate that an application has come to; raise `Broken` for one that fails.

    Its PDF is fetched, anybody checks its number, and a verifier that knows only the city's public
    addresses is shown it as a credential with no more than the holder's name.
    """
    held = {one["number"]: one for one in expect(applicant.get(f"{_MINE}?limit=100"), 200)["items"]}
    issuer = expect(call("GET", f"{web}/.well-known/jwt-vc-issuer"), 200)
    for task in ended["result"]["content"]["tasks"]:
        if task["permit"] is None:
            continue
        found = held.get(task["certificate"])
        if found is None:
            raise Broken(f"expected a certificate of {task['task']}, saw {task['certificate']!r}")
        check("type", task["permit"], found["type"])
        place = f"{_MINE}/{found['id']}"
        printed = applicant.get(f"{place}/pdf")
        expect(printed, 200)
        check("the PDF's first bytes", b"%PDF-", printed.raw[:5])
        holder = _check_validity(expect(applicant.get(place), 200)["validity_url"])
        wish = {"disclose": [SHOWN]}
        made = expect(applicant.send("POST", f"{place}/credential", wish), 200)
        claims = read_credential(made["credential"], issuer)
        said = (claims["number"], claims[SHOWN])
        check("what the credential shows", (found["number"], name), said)
        check("status in the list", 0, _listed_status(claims, issuer))
        yield Shown(found["title"]["zh"], found["number"], len(printed.raw), holder)


def read_credential(credential: str, issuer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a credential (SD-JWT VC) says and shows, or raise `Broken`.

    The signature is of a key of the issuer's, and each claim that is shown is one it has signed.
    """
    token, *disclosures, binding = credential.split("~")
    check("key binding", "", binding)
    claims = dict(_verified(token, issuer["jwks"]["keys"], CREDENTIAL_TYPE))
    check("issuer", issuer["issuer"], claims.get("iss"))
    digests = claims.pop("_sd", [])
    for disclosure in disclosures:
        digest = base64.urlsafe_b64encode(sha256(disclosure.encode()).digest()).decode()
        if digest.rstrip("=") not in digests:
            raise Broken("a claim is shown that the issuer has not signed")
        _, name, value = json.loads(_decoded(disclosure))
        claims[name] = value
    return claims


def status_in(listed: Mapping[str, Any], index: int) -> int:
    """Return what a status list (Token Status List) says of a place in it."""
    bits = listed["bits"]
    byte, shift = divmod(index * bits, 8)
    return int(zlib.decompress(_decoded(listed["lst"]))[byte] >> shift & ((1 << bits) - 1))


def _listed_status(claims: Mapping[str, Any], issuer: Mapping[str, Any]) -> int:
    place = claims["status"]["status_list"]
    answer = call("GET", place["uri"])
    expect(answer, 200)
    told = _verified(answer.raw.decode(), issuer["jwks"]["keys"], LIST_TYPE)
    check("the list's own address", place["uri"], told.get("sub"))
    return status_in(told["status_list"], place["idx"])


def _check_validity(url: str) -> str:
    """Check a certificate as whoever scans its code does, and return its holder, masked."""
    said = expect(call("GET", url), 200)
    check("validity", (True, "active"), (said["valid"], said["status"]))
    address, _, _ = url.partition("?")
    wrong = expect(call("GET", f"{address}?code={_WRONG_CODE}"), 200)
    check("validity with another code", (False, None), (wrong["valid"], wrong["holder"]))
    holder: str = said["holder"]
    return holder


def _verified(token: str, keys: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    try:
        return jose.verify(token, keys, types=[kind], members=_MEMBERS).claims
    except jose.JoseInvalid as error:
        raise Broken(f"expected a signature of the city's, saw: {error}") from error


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
