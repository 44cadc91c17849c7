"""Credentials that another library verifies: chosen claims, the holder's key, the status list."""

import base64
import fcntl
import json
import subprocess
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.certificates.service.sd_jwt import make_sd_jwt
from app.core import jose
from app.core.clock import now
from tests.certificates.support import FIELDS, Bureau, id_of
from tests.factories import Citizen
from tests.outside import give_up, need

ROOM = "/v1/me/certificates"
FOLDER = Path(__file__).parent / "verifier"
OPEN = {"shop", "granted_on"}
CHOSEN = ["business", "holder_name"]


def take(bureau: Bureau, who: Citizen, number: str, **body: Any) -> Any:  # noqa: ANN401 - an answer
    wanted = {"disclose": CHOSEN, **body}
    place = f"{ROOM}/{id_of(bureau, number)}/credential"
    return bureau.client.post(place, json=wanted, headers=who.auth)


def credential(bureau: Bureau, who: Citizen, number: str, **body: Any) -> str:  # noqa: ANN401 - JSON
    answer = take(bureau, who, number, **body)
    assert answer.status_code == 200, answer.text
    assert answer.json["format"] == "dc+sd-jwt"
    return str(answer.json["credential"])


def claims_of(made: str) -> Mapping[str, Any]:
    return jose.read_unverified(made.split("~", maxsplit=1)[0]).claims


def fetch(bureau: Bureau, url: str) -> Any:  # noqa: ANN401 - an answer
    answer = bureau.client.get(urlsplit(url).path)
    assert answer.status_code == 200, answer.text
    return answer


def status_in(bureau: Bureau, made: str) -> int:
    """Return what the list says of a credential, read as the draft says."""
    place = claims_of(made)["status"]["status_list"]
    listed = jose.read_unverified(fetch(bureau, place["uri"]).text)
    assert listed.header["typ"] == "statuslist+jwt"
    assert listed.claims["sub"] == place["uri"]
    assert listed.claims["exp"] > listed.claims["iat"]
    packed = listed.claims["status_list"]
    assert packed["bits"] == 2
    bits = zlib.decompress(base64.urlsafe_b64decode(packed["lst"] + "=" * 3))
    return bits[place["idx"] // 4] >> (place["idx"] % 4 * 2) & 3


def b64(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def prove(bureau: Bureau, number: str, key: Mapping[str, Any], **changes: Any) -> str:  # noqa: ANN401 - claims
    issuer = bureau.client.get("/.well-known/jwt-vc-issuer").json["issuer"]
    claims = {
        "aud": issuer,
        "iat": int(now().timestamp()),
        "nonce": str(id_of(bureau, number)),
        **changes,
    }
    header = {"alg": "ES256", "typ": "openid4vci-proof+jwt", "jwk": bare(key)}
    return jose.sign(claims, header, key)


def bare(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in ("kty", "crv", "x", "y")}


def bind(made: str, key: Mapping[str, Any], nonce: str) -> str:
    """Return a credential as a wallet presents it: with a signature of its key (RFC 9901, 4.3)."""
    claims = {
        "iat": int(now().timestamp()),
        "aud": "https://verifier.example",
        "nonce": nonce,
        "sd_hash": b64(sha256(made.encode()).digest()),
    }
    return made + jose.sign(claims, {"alg": "ES256", "typ": "kb+jwt"}, key)


def install() -> None:
    """Have the verifier's libraries, from the lock file; without a registry, give the test up."""
    need("node", "npm")
    with (Path(tempfile.gettempdir()) / "wudang-certificate-verifier.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the suite's processes come here together
        if (FOLDER / "node_modules" / "@sd-jwt").is_dir():
            return
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        give_up(f"npm ci failed: {done.stderr.decode()[-300:]}")


def ask_verifier(bureau: Bureau, cases: Sequence[Mapping[str, Any]], issuer: Any) -> list[Any]:  # noqa: ANN401
    """Return what the other library thinks of credentials: their claims, or why it refuses."""
    made = [case["credential"] for case in cases]
    uris = {claims_of(one)["status"]["status_list"]["uri"] for one in made}
    types = {claims_of(one)["vct"] for one in made}
    told = {
        "issuer": issuer,
        "lists": {uri: fetch(bureau, uri).text for uri in uris},
        "types": {uri: fetch(bureau, uri).json for uri in types},
        "now": int(time.time()),
        "cases": cases,
    }
    answer = subprocess.run(
        ["node", "verify.mjs"],  # noqa: S607 - wherever node is
        cwd=FOLDER,
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    found: list[Any] = json.loads(answer.stdout)
    return found


def test_another_library_verifies_what_is_genuine_and_nothing_else(
    bureau: Bureau, holder: Citizen
) -> None:
    install()
    number, revoked, suspended = (bureau.issue(holder).number for _ in range(3))
    key, strange = jose.new_key(), jose.new_key()
    good = credential(bureau, holder, number)
    bound = credential(bureau, holder, number, key_proof=prove(bureau, number, key))
    jwt, *shown, _ = good.split("~")
    foreign = b64(json.dumps(["c2FsdA", "address", "别处"], ensure_ascii=False).encode())
    other = credential(bureau, holder, number, disclose=["address"]).split("~")[1]
    head, _, signature = jwt.split(".")
    richer = b64(json.dumps({**claims_of(jwt), "shop": "别家"}).encode())
    withdrawn = [credential(bureau, holder, one) for one in (revoked, suspended)]
    bureau.change(revoked, "revoked")
    bureau.change(suspended, "suspended")
    issuer = bureau.client.get("/.well-known/jwt-vc-issuer").json
    cases = {
        "good": {"credential": good, "requires": [*CHOSEN, "shop"]},
        "bound": {"credential": bind(bound, key, "n-1"), "nonce": "n-1"},
        "nothing chosen": {"credential": credential(bureau, holder, number, disclose=[])},
        "altered": {"credential": f"{head}.{richer}.{signature}~{'~'.join(shown)}~"},
        "another claim added": {"credential": f"{jwt}~{'~'.join(shown)}~{foreign}~"},
        "another's disclosure": {"credential": f"{jwt}~{'~'.join(shown)}~{other}~"},
        "a chosen one left out": {
            "credential": f"{jwt}~{shown[0]}~",
            "requires": [*CHOSEN, "shop"],
        },
        "another's key": {"credential": bind(bound, strange, "n-1"), "nonce": "n-1"},
        "a claim added to a bound one": {
            "credential": bind(bound, key, "n-1").replace("~ey", f"~{foreign}~ey"),
            "nonce": "n-1",
        },
        "another nonce": {"credential": bind(bound, key, "n-2"), "nonce": "n-1"},
        "no key shown": {"credential": bound, "nonce": "n-1"},
        "revoked": {"credential": withdrawn[0]},
        "suspended": {"credential": withdrawn[1]},
    }
    seen = dict(zip(cases, ask_verifier(bureau, list(cases.values()), issuer), strict=True))
    assert {name for name, found in seen.items() if "claims" in found} == {
        "good",
        "bound",
        "nothing chosen",
    }, seen
    for name in ("another claim added", "another's disclosure"):
        assert "is of no digest" in seen[name]["refused"]
    claims = seen["good"]["claims"]
    assert {name: claims[name] for name in (*CHOSEN, *OPEN)} == {
        name: FIELDS[name] for name in (*CHOSEN, *OPEN)
    }
    assert "address" not in claims
    assert (claims["iss"], claims["number"]) == (issuer["issuer"], number)
    assert seen["good"]["type"]["name"] == "Food business licence"
    assert seen["bound"]["claims"]["cnf"]["jwk"] == bare(key)
    assert not set(CHOSEN) & set(seen["nothing chosen"]["claims"])
    for name in ("revoked", "suspended"):
        assert "Status is not valid" in seen[name]["refused"]


def test_a_credential_shows_what_was_chosen_and_hides_the_rest(
    bureau: Bureau, holder: Citizen
) -> None:
    number = bureau.issue(holder).number
    made = [credential(bureau, holder, number, disclose=["business"]) for _ in range(2)]
    assert made[0] != made[1]
    claims = claims_of(made[0])
    assert len(claims["_sd"]) == 3
    assert not set(claims["_sd"]) & set(claims_of(made[1])["_sd"]), "salts are drawn anew"
    assert claims["_sd"] == sorted(claims["_sd"])
    header, *disclosures, end = made[0].split("~")
    assert (len(disclosures), end) == (1, "")
    (salt, name, value) = json.loads(base64.urlsafe_b64decode(disclosures[0] + "=="))
    assert (name, value) == ("business", FIELDS["business"])
    assert len(base64.urlsafe_b64decode(salt + "==")) == 16
    assert b64(sha256(disclosures[0].encode()).digest()) in claims["_sd"]
    plain = base64.urlsafe_b64decode(header.split(".")[1] + "==").decode()
    assert FIELDS["address"] not in json.loads(plain).values()
    assert jose.read_unverified(header).header["typ"] == "dc+sd-jwt"


@pytest.mark.parametrize(
    ("disclose", "code"),
    [
        (["shop"], "certificate-field-not-selective"),
        (["more"], "certificate-field-not-selective"),
        (["iss"], "certificate-field-not-selective"),
        (["_sd"], "invalid-input"),
    ],
)
def test_only_what_is_selective_can_be_chosen(
    bureau: Bureau, holder: Citizen, disclose: list[str], code: str
) -> None:
    answer = take(bureau, holder, bureau.issue(holder).number, disclose=disclose)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_a_key_is_bound_only_by_whoever_proves_it(bureau: Bureau, holder: Citizen) -> None:
    number, other = bureau.issue(holder).number, bureau.issue(holder).number
    key, strange = jose.new_key(), jose.new_key()
    moment = int(now().timestamp())
    header = {"alg": "ES256", "typ": "JWT", "jwk": bare(key)}
    forged = {"alg": "ES256", "typ": "openid4vci-proof+jwt", "jwk": bare(strange)}
    private = {**forged, "jwk": {**bare(key), "d": key["d"]}}
    claims = jose.read_unverified(prove(bureau, number, key)).claims
    proofs = [
        "nothing",
        jose.sign(claims, header, key),
        jose.sign(claims, forged, key),
        jose.sign(claims, private, key),
        jose.sign(claims, {"alg": "ES256", "typ": "openid4vci-proof+jwt"}, key),
        prove(bureau, number, key, aud="https://elsewhere.example"),
        prove(bureau, other, key),
        prove(bureau, number, key, iat=moment - 400),
        prove(bureau, number, key, iat=moment + 60),
        prove(bureau, number, key, iat=str(moment)),
    ]
    for proof in proofs:
        answer = take(bureau, holder, number, key_proof=proof)
        assert answer.status_code == 422, proof
        assert answer.json["code"] == "credential-key-proof-invalid"
    made = credential(bureau, holder, number, key_proof=prove(bureau, number, key))
    assert claims_of(made)["cnf"] == {"jwk": bare(key)}


def test_the_status_list_tells_each_state_at_its_place(bureau: Bureau, holder: Citizen) -> None:
    made = [bureau.issue(holder) for _ in range(4)]
    taken = [credential(bureau, holder, one.number) for one in made]
    assert [status_in(bureau, one) for one in taken] == [0, 0, 0, 0]
    bureau.change(made[0].number, "suspended")
    bureau.change(made[1].number, "revoked")
    bureau.issue(holder, replaces=made[2].number)
    assert [status_in(bureau, one) for one in taken] == [2, 1, 1, 0]
    bureau.change(made[0].number, "active")
    assert [status_in(bureau, one) for one in taken] == [0, 1, 1, 0]
    uri = claims_of(taken[0])["status"]["status_list"]["uri"]
    answer = fetch(bureau, uri)
    assert answer.mimetype == "application/statuslist+jwt"
    assert "max-age=60" in answer.headers["Cache-Control"]
    assert len(answer.data) < 20_000
    keys = bureau.client.get("/.well-known/jwt-vc-issuer").json["jwks"]["keys"]
    listed = jose.verify(answer.text, keys, types=["statuslist+jwt"], members=("alg", "typ", "kid"))
    assert listed.claims["ttl"] == 60


def test_a_credential_ends_with_its_last_day(bureau: Bureau, holder: Citizen) -> None:
    one = bureau.issue(holder)
    claims = claims_of(credential(bureau, holder, one.number))
    assert claims["valid_until"] == str(one.valid_until)
    with bureau.rooms.units.open(actor="test", read_only=True) as uow:
        query = text("select extract(epoch from (cast(:d as date) + 1)::timestamp at time zone :z)")
        ends = uow.scalar(query, {"d": one.valid_until, "z": "Asia/Shanghai"})
    assert claims["exp"] == int(ends or 0)
    badge = bureau.issue(
        holder,
        type_id=f"{bureau.name}-badge",
        fields={"holder_name": "李雷"},
        valid_until=None,
    )
    open_ended = claims_of(credential(bureau, holder, badge.number, disclose=[]))
    assert "exp" not in open_ended


NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


@given(
    st.dictionaries(NAMES, st.text(min_size=1, max_size=20), max_size=6),
    st.sets(NAMES, max_size=3),
)
def test_what_is_not_disclosed_is_nowhere(said: dict[str, str], disclosed: set[str]) -> None:
    kept: list[Mapping[str, Any]] = []

    def sign(claims: Mapping[str, Any]) -> str:
        kept.append(claims)
        return "signed"

    made = make_sd_jwt({"iss": "x"}, said, disclosed, sign)
    parts = made.split("~")
    assert (parts[0], parts[-1], len(parts) - 2) == ("signed", "", len(disclosed & said.keys()))
    assert set(kept[0]) - {"_sd", "_sd_alg"} == {"iss"}
    assert len(kept[0].get("_sd", [])) == len(said)
    for part in parts[1:-1]:
        _, name, value = json.loads(base64.urlsafe_b64decode(part + "=="))
        assert (name in disclosed, value) == (True, said[name])
