"""The register's organisations and guardians, and texts to the city's number."""

import json
import sqlite3
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from stdnum.cn import uscc

from sandbox.city import serve_city
from sandbox.store import _SCHEMAS


def call(url: str, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(  # noqa: S310 - loopback
        url + path, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, json.loads(answer.read())
    except HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def make_person(url: str, name: str, born: str) -> dict[str, str]:
    _, person = call(url, "POST", "/register/people", {"name": name, "born": born})
    return {"name": str(person["name"]), "resident_id": str(person["resident_id"])}


def test_organisations_are_made_checked_and_given_another_representative() -> None:
    with serve_city() as city:
        first = make_person(city.url, "张三", "1970-01-01")
        second = make_person(city.url, "李四", "1971-01-01")
        made = {"name": "武当山茶业有限公司", "representative": first["resident_id"]}
        status, firm = call(city.url, "POST", "/register/organisations", made)
        assert (status, uscc.is_valid(str(firm["uscc"]))) == (201, True)

        def ask(**changes: object) -> object:
            claim = {"uscc": firm["uscc"], "name": made["name"], "representative": first, **changes}
            return call(city.url, "POST", "/register/organisations/checks", claim)[1]["result"]

        assert ask() == "match"
        assert ask(name="别的公司") == "mismatch"
        assert ask(representative=second) == "mismatch"
        assert ask(representative={**first, "name": "李四"}) == "mismatch"
        assert ask(uscc="91420300MA9999999X") == "unknown"
        place = f"/register/organisations/{firm['uscc']}/representative"
        call(city.url, "PUT", place, {"representative": second["resident_id"]})
        assert (ask(), ask(representative=second)) == ("mismatch", "match")
        listed = call(city.url, "GET", "/register/organisations")[1]["items"]
        assert listed == [{**firm, "representative": second["resident_id"]}]


def test_guardians_are_made_and_checked() -> None:
    with serve_city() as city:
        parent = make_person(city.url, "张三", "1980-01-01")
        child = make_person(city.url, "张小三", "2015-01-01")
        claim = {"guardian": parent, "child": child}
        path = "/register/guardians/checks"
        assert call(city.url, "POST", path, claim)[1]["result"] == "mismatch"
        pair = {"guardian": parent["resident_id"], "child": child["resident_id"]}
        for _ in range(2):
            assert call(city.url, "POST", "/register/guardians", pair)[0] == 201
        assert call(city.url, "POST", path, claim)[1]["result"] == "match"
        assert call(city.url, "GET", "/register/guardians")[1]["items"] == [pair]
        turned = {"guardian": child, "child": parent}
        assert call(city.url, "POST", path, turned)[1]["result"] == "mismatch"
        nobody = {**claim, "child": {**child, "resident_id": "42030219850312001X"}}
        assert call(city.url, "POST", path, nobody)[0] in {200, 422}


@pytest.mark.parametrize("path", ["/register/organisations/checks", "/register/guardians/checks"])
def test_the_checks_are_down_with_the_register(path: str) -> None:
    with serve_city() as city:
        call(city.url, "PUT", "/register/behaviour", {"mode": "down"})
        assert call(city.url, "POST", path, {})[0] == 503


def test_a_city_of_before_learns_of_organisations(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "city.sqlite3")
    connection.executescript(_SCHEMAS[0] + "PRAGMA user_version = 1;")
    connection.execute(
        "INSERT INTO people (resident_id, name, born) VALUES ('420302198503120017', '张伟', '')"
    )
    connection.commit()
    connection.close()
    with serve_city(data_dir=tmp_path) as city:
        kept = call(city.url, "GET", "/register/people")[1]["items"]
        assert [person["name"] for person in kept] == ["张伟"]  # type: ignore[index,attr-defined]
        assert call(city.url, "GET", "/register/organisations") == (200, {"items": []})


def test_texts_to_the_city_are_listed_after_a_number() -> None:
    with serve_city() as city:
        for text in ("同意 123456", "不同意 123456"):
            body = {"from": "+8613807190001", "text": text}
            assert call(city.url, "POST", "/sms/answers", body)[0] == 201
        texts = call(city.url, "GET", "/sms/answers")[1]["items"]
        assert [(t["number"], t["from"]) for t in texts] == [  # type: ignore[index,attr-defined]
            (1, "+8613807190001"),
            (2, "+8613807190001"),
        ]
        later = call(city.url, "GET", "/sms/answers?after=1")[1]["items"]
        assert later == texts[1:]  # type: ignore[index]
        assert call(city.url, "GET", "/sms/answers?after=2")[1]["items"] == []
        call(city.url, "PUT", "/sms/behaviour", {"mode": "down"})
        assert call(city.url, "GET", "/sms/answers")[0] == 503
        assert call(city.url, "POST", "/sms/answers", {"from": "x", "text": "y"})[0] == 422
