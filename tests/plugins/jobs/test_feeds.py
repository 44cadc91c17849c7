"""Files of vacancies: whole or refused, each line by itself, one vacancy for all who tell."""

import csv
import io
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError, ProgrammingError
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.http.server import Server
from app.sdk import House
from plugins.jobs import service
from plugins.jobs.errors import FeedFileInvalid
from plugins.jobs.service.feed_file import HEADER, read_feed_file
from plugins.jobs.values import CSV_TYPE, JSON_LINES_TYPE, city_today
from tests.conftest import World
from tests.factories import bearer, staff_token
from tests.oauth.support import plain
from tests.plugins.jobs.conftest import Boss, Officer, make_citizen, make_code, publish, register
from tests.plugins.jobs.rows import many, moves, one, run
from tests.plugins.utilities.conftest import statements

_SERIAL = count(1)
CENTRE, ONLINE = "shiyan-job-centre", "jiuye-online"
NOTHING_IS_TOLD = "update plugin_jobs.vacancy_sources set gone_at = now() where kind != 'direct'"
DAY = (city_today() + timedelta(days=20)).isoformat()
CHINESE = {
    "full_time": "全职",
    "part_time": "兼职",
    "month": "月",
    "hour": "小时",
    "none": "不限",
    "associate": "大专",
}


def line(code: str, **changed: object) -> dict[str, Any]:
    """Return one line of a file, a vacancy like no other."""
    serial = next(_SERIAL)
    return {
        "source_id": f"J{serial:06d}",
        "credit_code": code,
        "employer_name": "丹江口食品厂",
        "title": f"包装工{serial}线",
        "description": "负责产品包装与装箱，长白班。",
        "district": "420381",
        "employment_type": "full_time",
        "pay_unit": "month",
        "pay_from": 400_000,
        "pay_to": 550_050,
        "valid_through": DAY,
    } | changed


def lines_of(lines: Sequence[Mapping[str, Any]], total: int | None = None) -> bytes:
    """Return a file of JSON lines."""
    rows = [json.dumps(row, ensure_ascii=False) for row in lines]
    rows.append(json.dumps({"total": len(lines) if total is None else total}))
    return ("\n".join(rows) + "\n").encode()


def csv_of(lines: Sequence[Mapping[str, Any]], encoding: str = "gb18030") -> bytes:
    """Return the same as a CSV file with Chinese headings, pay in yuan."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADER)
    for row in lines:
        cells = {k: CHINESE.get(v, v) if isinstance(v, str) else v for k, v in row.items()}
        for name in ("pay_from", "pay_to"):
            cells[name] = f"{row[name] / 100:.2f}"
        writer.writerow([cells.get(name, "") for name in HEADER.values()])
    writer.writerow(["合计", len(lines)])
    return file.getvalue().encode(encoding)


def send(
    officer: Officer, feed: str, raw: bytes, media_type: str = JSON_LINES_TYPE, **query: str
) -> TestResponse:
    path = f"/v1/jobs/desk/feeds/{feed}/files"
    return officer.client.post(
        path, data=raw, query_string=query, headers=officer.headers, content_type=media_type
    )


def counts(answer: TestResponse) -> dict[str, int]:
    assert answer.status_code in {200, 201}, answer.text
    names = ("created", "merged", "updated", "unchanged", "refused", "closed")
    return {name: answer.json[name] for name in names if answer.json[name]}


def vacancy_of(rooms: Rooms, feed: str, row: Mapping[str, Any]) -> str:
    return str(
        one(
            rooms,
            "select vacancy_id from plugin_jobs.vacancy_sources where kind = :k and source_id = :s",
            k=feed,
            s=row["source_id"],
        )
    )


@pytest.fixture(autouse=True)
def _nothing_is_left(rooms: Rooms) -> Iterator[None]:
    """Let no full file close what another test has sent."""
    yield
    run(rooms, NOTHING_IS_TOLD)


def test_a_full_feed_from_its_first_file_to_what_vanished(
    client: FlaskClient, rooms: Rooms, officer: Officer
) -> None:
    code = make_code()
    first, second, third = (line(code) for _ in range(3))
    taken = send(officer, CENTRE, csv_of([first, second, third]), CSV_TYPE)
    assert taken.status_code == 201
    assert counts(taken) == {"created": 3}
    vacancy = vacancy_of(rooms, CENTRE, first)
    shown = client.get(f"/v1/jobs/vacancies/{vacancy}").json
    assert (shown["status"], shown["employer_name"]) == ("published", "丹江口食品厂")
    assert (shown["advert"]["pay_to"], shown["advert"]["title"]) == (550_050, first["title"])
    assert shown["sources"] == [{"kind": CENTRE, "id": first["source_id"]}]
    assert moves(rooms, vacancy) == [
        *(("draft", "feed"), ("verified", "feed"), ("published", "feed")),
    ]
    again = send(officer, CENTRE, csv_of([first, second, third]), CSV_TYPE)
    assert (again.status_code, again.json) == (200, taken.json)
    same = send(officer, CENTRE, lines_of([first, second, third]))  # other bytes, the same words
    assert counts(same) == {"unchanged": 3}

    raised = {**first, "pay_to": 600_000, "description": "负责产品包装与装箱，两班倒。"}
    changed = send(officer, CENTRE, lines_of([raised, second]))
    assert counts(changed) == {"updated": 1, "unchanged": 1, "closed": 1}
    shown = client.get(f"/v1/jobs/vacancies/{vacancy}").json
    assert (shown["revision"], shown["advert"]["pay_to"]) == (2, 600_000)
    gone = client.get(f"/v1/jobs/vacancies/{vacancy_of(rooms, CENTRE, third)}").json
    assert (gone["status"], gone["closed_cause"]) == ("withdrawn", "left-the-feed")

    back = send(officer, CENTRE, lines_of([raised, second, third]))
    assert counts(back) == {"created": 1, "unchanged": 2}
    assert vacancy_of(rooms, CENTRE, third) != gone["id"]
    listed = officer.get(f"feeds/{CENTRE}/files?limit=2").json["items"]
    assert [file["id"] for file in listed] == [back.json["id"], changed.json["id"]]


def test_bad_lines_are_named_and_good_ones_are_taken(rooms: Rooms, officer: Officer) -> None:
    code, good = make_code(), line(make_code())
    bad = [
        line(code, description="入职交押金三百元，押金不退。"),
        line(code, pay_from=100),
        line(code[:-1] + "!"),
        line(code, pay_to=1),
        line(code, district="110101"),
        line(code, valid_through="2020-01-01"),
        line(code, colour="red"),
        {k: v for k, v in line(code).items() if k != "title"},
        line(code, title="电\u200b工"),
        line(code, open_positions=True),
        line(code) | {"\0": "x"},
        {**good, "title": "又一次"},
    ]
    answer = send(officer, CENTRE, lines_of([good, *bad]))
    assert counts(answer) == {"created": 1, "refused": len(bad)}
    told = [(r["line"], r["code"]) for r in answer.json["report"]]
    assert told == [
        *((2, "advert-refused"), (3, "advert-refused")),
        *((n, "line-invalid") for n in range(4, 13)),
        (13, "twice-in-file"),
    ]
    first = answer.json["report"][0]
    assert (first["rule"], first["passage"]) == ("deposit", "入职交押金三百元，押金不")
    left = "select count(*) from plugin_jobs.vacancies v join plugin_jobs.employers e"
    assert one(rooms, f"{left} on e.id = v.employer_id where credit_code = :c", c=code) == 0


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b"", JSON_LINES_TYPE),
        (lines_of([line("x")], total=2), JSON_LINES_TYPE),
        (lines_of([line("x")]).rsplit(b"{", 1)[0], JSON_LINES_TYPE),
        (b"\xff\xfe\xff", JSON_LINES_TYPE),
        (b"", CSV_TYPE),
        (csv_of([line("x")]).rsplit(b"\r\n", 2)[0], CSV_TYPE),
        (csv_of([line("x")]).replace("岗位编号".encode("gb18030"), b"id", 1), CSV_TYPE),
    ],
)
def test_a_file_that_is_not_whole_is_refused_whole(
    rooms: Rooms, officer: Officer, raw: bytes, media_type: str
) -> None:
    before = one(rooms, "select count(*) from plugin_jobs.feed_files")
    answer = send(officer, CENTRE, raw, media_type)
    assert (answer.status_code, answer.json["code"]) == (422, "feed-file-invalid")
    assert one(rooms, "select count(*) from plugin_jobs.feed_files") == before


@given(st.binary(max_size=300), st.sampled_from([CSV_TYPE, JSON_LINES_TYPE]))
def test_no_bytes_break_the_reader(raw: bytes, media_type: str) -> None:
    try:
        read_feed_file(raw, media_type)
    except FeedFileInvalid:
        return


@given(st.lists(st.text(max_size=12), max_size=17), st.integers(0, 3))
def test_no_line_breaks_the_reader(cells: list[str], place: int) -> None:
    values = dict(zip(HEADER.values(), cells, strict=False))
    whole = [line(make_code()) for _ in range(3)]
    whole.insert(place, values)
    read = read_feed_file(lines_of(whole), JSON_LINES_TYPE)
    assert read.count == 4
    assert len(read.refused) == 1


def test_a_file_that_would_close_more_than_half_wants_a_word(officer: Officer) -> None:
    code = make_code()
    lines = [line(code) for _ in range(50)]
    assert counts(send(officer, CENTRE, lines_of(lines))) == {"created": 50}
    answer = send(officer, CENTRE, lines_of(lines[:10]))
    assert (answer.status_code, answer.json["code"]) == (409, "feed-shrank")
    assert (answer.json["gone"], answer.json["open"]) == (40, 50)
    sure = send(officer, CENTRE, lines_of(lines[:10]), may_shrink="true")
    assert counts(sure) == {"unchanged": 10, "closed": 40}


def test_the_same_work_is_one_vacancy_with_several_sources(
    client: FlaskClient, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    own = publish(rooms, boss, officer, title="仓管员 (急)", pay_from=500_000, pay_to=700_000)
    told = {
        "title": "仓管员（急）",
        "district": "420302",
        "pay_from": 500_000,
        "pay_to": 700_000,
    }
    first, second = line(boss.credit_code, **told), line(boss.credit_code, **told)
    assert counts(send(officer, CENTRE, lines_of([first]))) == {"merged": 1}
    assert counts(send(officer, ONLINE, lines_of([second]))) == {"merged": 1}
    shown = client.get(f"/v1/jobs/vacancies/{own['id']}").json
    assert [source["kind"] for source in shown["sources"]] == ["direct", CENTRE, ONLINE]
    empty = send(officer, CENTRE, lines_of([]))
    assert counts(empty) == {}  # it left one feed, and others still tell of it
    assert client.get(f"/v1/jobs/vacancies/{own['id']}").json["status"] == "published"


def test_who_does_not_vouch_names_verified_employers_only(officer: Officer, boss: Boss) -> None:
    answer = send(officer, ONLINE, lines_of([line(make_code()), line(boss.credit_code)]))
    assert counts(answer) == {"created": 1, "refused": 1}
    assert answer.json["report"][0]["code"] == "employer-not-verified"


def test_what_the_desk_withdrew_no_feed_brings_back(rooms: Rooms, officer: Officer) -> None:
    row = line(make_code())
    send(officer, CENTRE, lines_of([row]))
    vacancy = vacancy_of(rooms, CENTRE, row)
    officer.put(f"vacancies/{vacancy}/withdrawal", {"cause": "desk-false"})
    answer = send(officer, CENTRE, lines_of([{**row, "pay_to": 600_000}]))
    assert answer.json["report"][0]["code"] == "vacancy-withdrawn"


def test_an_employer_of_a_feed_is_claimed_by_the_desks_word_only(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    code = make_code()
    send(officer, CENTRE, lines_of([line(code)]))
    me = make_citizen(client, world, rooms)
    employer = register(client, me, code).json
    place = f"/v1/jobs/employers/{employer['id']}/vacancies"
    assert client.get(place, headers=me).status_code == 404
    waiting = officer.get("members?limit=100").json["items"]
    (mine,) = [m for m in waiting if m["employer_id"] == employer["id"]]
    let_in = officer.put(f"members/{mine['id']}/decision", {"decision": "verify"})
    assert let_in.json["status"] == "active"
    assert len(client.get(place, headers=me).json["items"]) == 1


def test_only_a_client_that_staff_has_admitted_sends_a_feed(
    app: Server, client: FlaskClient, rooms: Rooms
) -> None:
    scope = "jobs.vacancies.import"
    party = plain(app, rooms, scopes=(scope,))
    given = party.post("/oauth/token", {"grant_type": "client_credentials", "scope": scope})
    auth = bearer(given.json["access_token"])
    path, raw = f"/v1/jobs/feeds/{CENTRE}/files", lines_of([line(make_code())])

    def post() -> TestResponse:
        return party.http.post(path, data=raw, headers=auth, content_type=JSON_LINES_TYPE)

    refused = post()
    assert (refused.status_code, refused.json["code"]) == (404, "feed-not-found")
    desk = f"/v1/jobs/desk/feeds/{CENTRE}/clients/{party.client_id}"
    headers = bearer(staff_token(rooms, "security-admin"))
    assert client.put(desk, headers=headers).status_code == 200
    assert counts(post()) == {"created": 1}
    assert client.delete(desk, headers=headers).status_code == 204
    assert client.delete(desk, headers=headers).status_code == 404
    assert post().status_code == 404


def test_two_imports_of_one_feed_at_once_have_one_outcome(
    app: Server, rooms: Rooms, officer: Officer
) -> None:
    rows = [line(make_code()) for _ in range(30)]
    raw = lines_of(rows)
    answers: list[TestResponse] = []
    ready = threading.Barrier(3)

    def go(media_type: str, content: bytes) -> None:
        own = Officer(app.test_client(), officer.headers, officer.id)
        ready.wait()
        answers.append(send(own, CENTRE, content, media_type))

    files = [(JSON_LINES_TYPE, raw), (JSON_LINES_TYPE, raw), (CSV_TYPE, csv_of(rows))]
    threads = [threading.Thread(target=go, args=file) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert sum(answer.json["created"] for answer in answers if answer.status_code == 201) == 30
    for row in rows:
        assert len(moves(rooms, vacancy_of(rooms, CENTRE, row))) == 3
    ids = [row["source_id"] for row in rows]
    told = many(
        rooms,
        "select distinct vacancy_id from plugin_jobs.vacancy_sources where source_id = any(:ids)",
        ids=ids,
    )
    assert len(told) == 30


def test_raw_statements_cannot_break_the_record_of_a_file(rooms: Rooms, officer: Officer) -> None:
    file = send(officer, CENTRE, lines_of([line(make_code())])).json["id"]
    copied = (
        "insert into plugin_jobs.feed_files select gen_random_uuid(), feed, digest, lines + 1,"
        " created, merged, updated, unchanged, refused, closed, report, taken_by, taken_at"
        " from plugin_jobs.feed_files where id = :id"
    )
    with pytest.raises(IntegrityError, match="ck_feed_files_counts"):
        run(rooms, copied, id=file)
    for statement in (
        "update plugin_jobs.feed_files set lines = 0",
        "delete from plugin_jobs.feed_files",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            run(rooms, f"{statement} where id = :id", id=file)


TITLES = st.sampled_from(["电工", "电 工", "电工!", "焊工", "焊 工（夜）", "焊工夜"])


@settings(max_examples=15)
@given(
    told=st.lists(
        st.tuples(TITLES, st.sampled_from([400_000, 450_000]), st.sampled_from(["a", "b"])),
        min_size=1,
        max_size=8,
    )
)
def test_open_vacancies_are_as_many_as_kinds_of_work(
    rooms: Rooms, house: House, told: list[tuple[str, int, str]]
) -> None:
    code = make_code()
    files: dict[str, list[dict[str, Any]]] = {"a": [], "b": []}
    for title, pay, feed in told:
        files[feed].append(line(code, title=title, pay_from=pay))
    run(rooms, NOTHING_IS_TOLD)
    for feed, name in (("a", CENTRE), ("b", ONLINE)):
        with house.unit_of_work() as uow:
            service.take_file(house, uow, name, lines_of(files[feed]), JSON_LINES_TYPE)
        if feed == "a" and not files["a"]:
            return  # nobody vouches for the employer
    works = {("".join(sign for sign in title if sign.isalnum()), pay) for title, pay, _ in told}
    open_ones = one(
        rooms,
        "select count(*) from plugin_jobs.vacancies v join plugin_jobs.employers e"
        " on e.id = v.employer_id where e.credit_code = :c and v.status = 'published'",
        c=code,
    )
    assert open_ones == len(works)
    sources = one(
        rooms,
        "select count(*) from plugin_jobs.vacancy_sources s join plugin_jobs.vacancies v"
        " on v.id = s.vacancy_id join plugin_jobs.employers e on e.id = v.employer_id"
        " where e.credit_code = :c",
        c=code,
    )
    assert sources == len(told)


def test_a_file_takes_as_many_statements_however_long_it_is(rooms: Rooms, house: House) -> None:
    taken = []
    for length in (2, 60):
        run(rooms, NOTHING_IS_TOLD)
        rows = [line(make_code()) for _ in range(length)]
        with house.unit_of_work() as uow, statements(rooms.units.write) as seen:
            service.take_file(house, uow, ONLINE, lines_of(rows), JSON_LINES_TYPE)
            uow.flush()
        with house.unit_of_work() as uow, statements(rooms.units.write) as more:
            service.take_file(house, uow, CENTRE, lines_of(rows), JSON_LINES_TYPE, may_shrink=True)
        taken.append([" ".join(one.split()[:5]) for one in (*seen, *more)])
    assert taken[0] == taken[1]
