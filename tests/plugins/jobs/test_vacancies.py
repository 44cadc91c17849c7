"""A vacancy goes from draft to its end, each wording is checked, and nothing ends without cause."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.http.server import Server
from app.sdk import House
from plugins.jobs import service
from plugins.jobs.models import Vacancy
from plugins.jobs.service.vacancies import advert_of
from plugins.jobs.values import city_today
from tests.conftest import World
from tests.plugins.jobs.conftest import (
    Boss,
    Officer,
    make_boss,
    make_officer,
    publish,
    waiting_revision,
)
from tests.plugins.jobs.rows import many, moves, one, run
from tests.plugins.jobs.seekers import apply_for, attempt, make_applicant, make_firm

VACANCIES = "/v1/jobs/vacancies"


def at_once(*acts: Callable[[], int]) -> list[int]:
    """Return the statuses of acts that begin together."""
    answers: list[int] = []
    ready = threading.Barrier(len(acts))

    def go(act: Callable[[], int]) -> None:
        ready.wait()
        answers.append(act())

    threads = [threading.Thread(target=go, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def test_from_draft_to_filled_with_a_second_wording_on_the_way(
    client: FlaskClient, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    made = boss.post(title="数控车工", skills="FANUC")
    assert made.status_code == 201, made.text
    vacancy = made.json["id"]
    assert made.headers["Location"] == f"{boss.place}/vacancies/{vacancy}"
    assert made.json["status"] == "draft"
    assert made.json["sources"] == [{"kind": "direct", "id": vacancy}]
    assert client.get(f"{VACANCIES}/{vacancy}").status_code == 404  # nobody sees a draft
    early = boss.do(vacancy, "publication")
    assert (early.status_code, early.json["code"]) == (409, "illegal-transition")

    first = waiting_revision(rooms, vacancy)
    waiting = officer.get("revisions?limit=100").json["items"]
    assert [w["id"] for w in waiting if w["vacancy_id"] == vacancy] == [first]
    refused = officer.decide(first, "unclear")
    assert (refused.json["status"], refused.json["reason"]) == ("refused", "unclear")
    assert boss.see(vacancy)["status"] == "draft"
    assert boss.change(vacancy, title="数控车床操作工").json["revision"] == 2
    second = waiting_revision(rooms, vacancy)
    assert officer.decide(second).json["status"] == "applied"
    assert boss.see(vacancy)["status"] == "verified"
    published = boss.do(vacancy, "publication")
    assert (published.status_code, published.json["status"]) == (200, "published")
    assert client.get(f"{VACANCIES}/{vacancy}").json == published.json
    assert published.json["advert"]["title"] == "数控车床操作工"

    changed = boss.change(vacancy, title="数控技师", pay_to=900_000)
    assert (changed.status_code, changed.json["revision"]) == (200, 3)
    shown = client.get(f"{VACANCIES}/{vacancy}").json["advert"]
    assert (shown["title"], shown["pay_to"]) == ("数控车床操作工", 800_000)  # until it is checked
    overtaken = waiting_revision(rooms, vacancy)
    assert boss.change(vacancy, title="数控高级技师").json["revision"] == 4
    assert officer.decide(overtaken).status_code == 409
    assert officer.decide(waiting_revision(rooms, vacancy)).status_code == 200
    assert client.get(f"{VACANCIES}/{vacancy}").json["advert"]["title"] == "数控高级技师"

    filled = boss.do(vacancy, "filling")
    assert (filled.json["status"], filled.json["closed_cause"]) == ("filled", "employer-filled")
    assert boss.do(vacancy, "withdrawal").status_code == 409
    assert boss.change(vacancy).json["code"] == "vacancy-closed"
    assert moves(rooms, vacancy) == [
        ("draft", "member"),
        ("verified", "desk"),
        ("published", "member"),
        ("filled", "employer-filled"),
    ]
    path = f"{boss.place}/vacancies/{vacancy}/revisions"
    told = client.get(path, headers=boss.headers).json["items"]
    assert [r["status"] for r in told] == ["refused", "applied", "superseded", "applied"]


def test_the_same_work_is_open_once(rooms: Rooms, boss: Boss, officer: Officer) -> None:
    first = publish(rooms, boss, officer, title="电工（急招）", pay_from=600_000)
    again = boss.post(title="电 工 急招！", pay_from=600_000)
    assert (again.status_code, again.json["code"]) == (409, "vacancy-known")
    assert again.json["vacancy_id"] == first["id"]
    for other in ({"title": "电工"}, {"pay_from": 600_001}, {"district": "420303"}):
        assert boss.post(**{"title": "电工急招", "pay_from": 600_000} | other).status_code == 201
    assert boss.do(first["id"], "withdrawal").json["closed_cause"] == "employer-withdrew"
    assert boss.post(title="电工急招", pay_from=600_000).status_code == 201


def test_a_strangers_vacancy_is_not_found(
    client: FlaskClient, world: World, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    other = make_boss(client, world, rooms, officer)
    vacancy = publish(rooms, boss, officer)["id"]
    for path in (f"{other.place}/vacancies/{vacancy}", f"{boss.place}/vacancies/{vacancy}"):
        assert client.get(path, headers=other.headers).status_code == 404
        assert client.post(f"{path}/withdrawal", headers=other.headers).status_code == 404
    assert boss.see(vacancy)["status"] == "published"


@pytest.mark.parametrize("days", [-1, 181])
def test_the_last_day_is_near(boss: Boss, days: int) -> None:
    day = (city_today() + timedelta(days=days)).isoformat()
    answer = boss.post(valid_through=day)
    assert (answer.status_code, answer.json["code"]) == (422, "advert-term")


def test_suspending_an_employer_closes_what_it_advertises(
    client: FlaskClient, world: World, rooms: Rooms, officer: Officer
) -> None:
    boss = make_boss(client, world, rooms, officer)
    shown, draft = publish(rooms, boss, officer)["id"], boss.post().json["id"]
    revision = waiting_revision(rooms, draft)
    suspended = officer.put(f"employers/{boss.employer}/suspension", {"reason": "fraud"})
    assert (suspended.status_code, suspended.json["status"]) == (200, "suspended")
    for vacancy in (shown, draft):
        seen = boss.see(vacancy)
        assert (seen["status"], seen["closed_cause"]) == ("withdrawn", "employer-suspended")
    assert officer.decide(revision).status_code == 409
    assert boss.post().json["code"] == "employer-not-verified"
    found = client.get(VACANCIES, query_string={"employer_id": boss.employer}).json["items"]
    assert found == []
    back = officer.client.delete(
        f"/v1/jobs/desk/employers/{boss.employer}/suspension", headers=officer.headers
    )
    assert back.json["status"] == "verified"
    assert boss.see(shown)["status"] == "withdrawn"


def test_the_desk_withdraws_for_a_reason(rooms: Rooms, boss: Boss, officer: Officer) -> None:
    vacancy = publish(rooms, boss, officer)["id"]
    path = f"vacancies/{vacancy}/withdrawal"
    assert officer.put(path, {"cause": "employer-withdrew"}).status_code == 422
    ended = officer.put(path, {"cause": "desk-fees"})
    assert (ended.json["status"], ended.json["closed_cause"]) == ("withdrawn", "desk-fees")
    assert officer.put(path, {"cause": "desk-fees"}).status_code == 409


def test_what_is_over_is_closed_once_by_two_workers_after_two_days_down(
    client: FlaskClient, rooms: Rooms, boss: Boss, officer: Officer, house: House
) -> None:
    kept = publish(rooms, boss, officer)["id"]
    over = [publish(rooms, boss, officer)["id"] for _ in range(3)] + [boss.post().json["id"]]
    day = city_today() - timedelta(days=2)
    run(
        rooms,
        "update plugin_jobs.vacancies set valid_through = :day"
        " where id = any(cast(:ids as uuid[]))",
        day=day,
        ids=over,
    )
    found = client.get(VACANCIES, query_string={"employer_id": boss.employer, "limit": 100}).json
    assert not {item["id"] for item in found["items"]} & set(over)  # before anybody closed it

    def work() -> int:
        service.expire_vacancies(house)
        return 0

    at_once(work, work)
    service.expire_vacancies(house)
    for vacancy in over:
        seen = boss.see(vacancy)
        assert (seen["status"], seen["closed_cause"]) == ("expired", "valid-through-passed")
        ended = [move for move in moves(rooms, vacancy) if move[0] == "expired"]
        assert ended == [("expired", "valid-through-passed")]
    assert boss.see(kept)["status"] == "published"
    left = (
        "select count(*) from plugin_jobs.vacancy_revisions"
        " where status = 'proposed' and vacancy_id = :id"
    )
    assert one(rooms, left, id=over[-1]) == 0


def test_publishing_against_withdrawing_has_one_end(
    app: Server, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    for _ in range(5):
        vacancy = boss.post().json["id"]
        officer.decide(waiting_revision(rooms, vacancy))
        one_client, other = app.test_client(), app.test_client()
        path = f"{boss.place}/vacancies/{vacancy}"
        answers = at_once(
            lambda c=one_client, p=path: (
                c.post(f"{p}/publication", headers=boss.headers).status_code
            ),
            lambda c=other, p=path: c.post(f"{p}/withdrawal", headers=boss.headers).status_code,
        )
        assert boss.see(vacancy)["status"] == "withdrawn"
        states = [state for state, _ in moves(rooms, vacancy)]
        if answers == [200, 200]:
            assert states == ["draft", "verified", "published", "withdrawn"]
        else:
            assert (answers, states) == ([200, 409], ["draft", "verified", "withdrawn"])


def test_two_officers_decide_a_wording_once(app: Server, rooms: Rooms, boss: Boss) -> None:
    vacancy = boss.post().json["id"]
    revision = waiting_revision(rooms, vacancy)
    first, second = (make_officer(app.test_client(), rooms) for _ in range(2))
    answers = at_once(
        lambda: first.decide(revision).status_code,
        lambda: second.decide(revision, "wage").status_code,
    )
    assert answers == [200, 409]
    assert len(moves(rooms, revision)) == 2
    decided = one(
        rooms, "select status from plugin_jobs.vacancy_revisions where id = :i", i=revision
    )
    assert boss.see(vacancy)["status"] == ("verified" if decided == "applied" else "draft")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'lost', closed_at = now(), closed_cause = 'desk-fees'", "ck_vacancies_status"),
        ("status = 'expired'", "ck_vacancies_closed_at"),
        ("status = 'withdrawn', closed_at = now()", "ck_vacancies_cause"),
        ("status = 'draft'", "ck_vacancies_unpublished"),
        ("published_at = null", "ck_vacancies_published_at"),
        ("closed_at = now(), closed_cause = 'desk-fees'", "ck_vacancies_closed_at"),
        ("closed_cause = 'bored'", "ck_vacancies_c"),
        ("pay_from = pay_to + 1", "ck_vacancies_(pay|monthly)"),
        ("pay_from = 0, monthly_from = 0", "ck_vacancies_pay"),
        ("monthly_to = monthly_to + 1", "ck_vacancies_monthly"),
        ("open_positions = 0", "ck_vacancies_open_positions"),
        ("most_applications = 0", "ck_vacancies_most_applications"),
        ("employment_type = 'slave'", "ck_vacancies_employment_type"),
        ("education = 'x'", "ck_vacancies_education"),
        ("response_promise_days = 0", "ck_vacancies_response_promise_days"),
    ],
)
def test_raw_statements_cannot_break_a_vacancy(
    rooms: Rooms, shown: str, change: str, constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        run(rooms, f"update plugin_jobs.vacancies set {change} where id = :id", id=shown)  # noqa: S608


def test_raw_statements_cannot_double_anything(rooms: Rooms, shown: str) -> None:
    for table, constraint in (
        ("vacancy_revisions", "uq_vacancy_revisions_vacancy_id_number"),
        ("vacancy_sources", "pk_vacancy_sources"),
        ("vacancies", "uq_vacancies_live_sameness"),
    ):
        column = "id" if table == "vacancies" else "vacancy_id"
        names = many(
            rooms,
            "select column_name from information_schema.columns"
            " where table_schema = 'plugin_jobs' and table_name = :t and column_name != 'id'",
            t=table,
        )
        fresh = "" if table == "vacancy_sources" else "id, "
        made = "" if table == "vacancy_sources" else "gen_random_uuid(), "
        listed = ", ".join(names)
        copy = (
            f"insert into plugin_jobs.{table} ({fresh}{listed}) select {made}{listed}"  # noqa: S608
            f" from plugin_jobs.{table} where {column} = :id"
        )
        with pytest.raises(IntegrityError, match=constraint):
            run(rooms, copy, id=shown)


@pytest.fixture(scope="module")
def shown(rooms: Rooms, boss: Boss, officer: Officer) -> str:
    """Return a published vacancy that stays as it is."""
    return str(publish(rooms, boss, officer)["id"])


def test_a_vacancy_is_a_job_posting_of_schema_org(
    client: FlaskClient, rooms: Rooms, boss: Boss, officer: Officer
) -> None:
    made = publish(
        rooms,
        boss,
        officer,
        description="检查 <b>设备</b></script>\n按时到岗，服从安排。",
        education="associate",
        experience_months=24,
        address="天津路一号",
        skills="PLC",
        open_positions=3,
    )
    answer = client.get(f"{VACANCIES}/{made['id']}/json-ld")
    assert answer.headers["Content-Type"] == "application/ld+json"
    assert b"<" not in answer.data
    posting = json.loads(answer.data)
    day = made["advert"]["valid_through"]
    assert posting == {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "title": made["advert"]["title"],
        "description": "检查 &lt;b&gt;设备&lt;/b&gt;&lt;/script&gt;<br>按时到岗，服从安排。",
        "datePosted": posting["datePosted"],
        "validThrough": f"{day}T23:59:59+08:00",
        "employmentType": "FULL_TIME",
        "hiringOrganization": {
            "@type": "Organization",
            "name": boss.name,
            "identifier": boss.credit_code,
        },
        "jobLocation": {
            "@type": "Place",
            "address": {
                "@type": "PostalAddress",
                "addressLocality": "茅箭区",
                "addressRegion": "湖北省",
                "addressCountry": "CN",
                "streetAddress": "天津路一号",
            },
        },
        "baseSalary": {
            "@type": "MonetaryAmount",
            "currency": "CNY",
            "value": {
                "@type": "QuantitativeValue",
                "minValue": 5000.0,
                "maxValue": 8000.0,
                "unitText": "MONTH",
            },
        },
        "identifier": {"@type": "PropertyValue", "name": boss.name, "value": made["id"]},
        "directApply": True,
        "totalJobOpenings": 3,
        "educationRequirements": {
            "@type": "EducationalOccupationalCredential",
            "credentialCategory": "associate degree",
        },
        "experienceRequirements": {
            "@type": "OccupationalExperienceRequirements",
            "monthsOfExperience": 24,
        },
        "skills": "PLC",
    }
    assert posting["datePosted"] in {
        (city_today() - timedelta(days=days)).isoformat() for days in (0, 1)
    }
    boss.do(made["id"], "withdrawal")
    assert client.get(f"{VACANCIES}/{made['id']}/json-ld").status_code == 404


def test_nobody_who_was_hired_loses_the_seat_to_another_wording(rooms: Rooms, house: House) -> None:
    firm = make_firm(rooms, house)
    vacancy = firm.vacancy(3)
    for _ in range(2):
        applicant = make_applicant(rooms, house)
        assert firm.hire(apply_for(house, applicant, vacancy)) == "done"
    with house.unit_of_work() as uow:
        wording = advert_of(uow.get_one(Vacancy, vacancy))

    def revise(positions: int) -> str:
        wanted = replace(wording, open_positions=positions)
        return attempt(
            house, lambda uow: service.revise_vacancy(uow, firm.member, firm.id, vacancy, wanted)
        )

    assert revise(1) == "positions-taken"
    assert revise(2) == "done"
    decided = waiting_revision(rooms, str(vacancy))
    with house.unit_of_work() as uow:
        service.decide_revision(house, uow, uuid4(), UUID(decided), None)
    with house.unit_of_work() as uow:
        assert uow.get_one(Vacancy, vacancy).open_positions == 2
