"""Nothing of the people, firms and children of delegation lies in the database in clear."""

import re
import secrets

from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import (
    acting_token,
    ask,
    claim,
    do,
    give,
    make_child,
    make_citizen,
    make_firm,
)
from tests.factories import bearer, city, make_phone, run_jobs, staff_token, texts_to
from tests.identity.test_secrecy import everything


def planted(length: int = 8) -> str:
    return "".join(secrets.choice("甲乙丙丁戊己庚辛壬癸") for _ in range(length))


def test_no_canary_is_found(client: FlaskClient, world: World, rooms: Rooms) -> None:
    father = make_citizen(client, world, rooms, f"欧阳{planted(6)}", "1950-05-01")
    daughter = make_citizen(client, world, rooms, f"上官{planted(6)}", "1980-06-01")
    nobody, reason = make_phone(), f"本人到场{planted()}"
    clerk = bearer(staff_token(rooms, "counter-clerk"))
    ask(client, father, nobody)
    run_jobs(rooms)
    mandate = give(client, rooms, father, daughter)
    token = acting_token(client, rooms, daughter, mandate["id"])
    client.get("/v1/me/payables", headers=bearer(token))
    waiting = ask(client, daughter, father, named="principal").json["id"]
    do(client, daughter, waiting, "sms-question")
    run_jobs(rooms)
    question = next(text for text in texts_to(world, father.citizen.phone) if "回复" in text)
    code = re.findall(r"同意([0-9]{6})", question)[0]
    firms = [make_firm(world, father, f"武当{planted()}公司") for _ in range(2)]
    assert claim(client, father, firms[0]).status_code == 201
    city(world, "PUT", "/register/behaviour", {"mode": "down"})
    try:
        assert claim(client, father, firms[1]).status_code == 503  # the claim stays
    finally:
        city(world, "PUT", "/register/behaviour", {"mode": "ok"})
    child = make_child(world, father, name=f"欧阳{planted(4)}")
    body = {"child": child}
    made = client.post("/v1/delegation/guardianships", json=body, headers=father.auth)
    assert made.status_code == 201, made.text
    case = {
        "principal": father.claim,
        "phone": make_phone(),
        "scopes": [{"service": "water-bill", "actions": ["view"]}],
        "days": 1,
        "reason": reason,
    }
    counter = client.post("/v1/delegation/counter-mandates", json=case, headers=clerk)
    assert counter.status_code == 201, counter.text
    canaries = [
        father.name,
        father.resident_id,
        father.citizen.phone,
        daughter.name,
        daughter.resident_id,
        daughter.citizen.phone,
        nobody,
        case["phone"],
        reason,
        token,
        token.rpartition(".")[2],
        *child.values(),
        *(firm[field] for firm in firms for field in ("uscc", "name")),
    ]
    dump = everything(rooms)
    assert mandate["id"] in dump  # the search looks where these things are
    found = [
        canary
        for canary in canaries
        for form in (str(canary), str(canary).removeprefix("+86"), str(canary).encode().hex())
        if form in dump
    ]
    assert found == []
    # Six digits are found by chance somewhere; in the rows of the question they are not.
    rows = [line for line in dump.split("\n") if waiting in line]
    assert len(rows) >= 3
    assert not any(re.search(rf"(?<![0-9a-f]){code}(?![0-9a-f])", row) for row in rows)
