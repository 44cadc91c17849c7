"""Files of applications: by their bytes, within quotas, in versions, sealed, nobody else's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.factory import Rooms
from app.sdk import Certificate, Citizen, House, UnitOfWork, now
from plugins.permits import service
from plugins.permits.errors import (
    CertificateNotHeld,
    FileNotTaken,
    FileTooLarge,
    MaterialFileNotFound,
    MaterialNotDeferrable,
    MaterialNotFound,
    MaterialQuotaExceeded,
    MaterialsClosed,
    MaterialsMissing,
    PermitApplicationNotFound,
    PermitVersionStale,
)
from plugins.permits.models import CalendarDay
from plugins.permits.service.file_kinds import kind_of
from plugins.permits.service.materials import shown_name
from plugins.permits.values import materials as limits
from plugins.permits.values.materials import FileKind, MaterialView, NewFile
from plugins.permits.values.tasks import Ask
from tests.conftest import World
from tests.factories import later, log_in, verify
from tests.payments.helpers import new_key
from tests.plugins.permits.answers import SMALL_FACTORY
from tests.plugins.permits.clockwork import at
from tests.plugins.permits.desk import PLACE, make_desk
from tests.plugins.permits.files import (
    a_jpeg,
    a_pdf,
    a_png,
    an_archive,
    hand_in_all,
    upload,
    upload_all,
)
from tests.plugins.permits.office import (
    ALL,
    APPROVED,
    Office,
    moves_of,
    new_citizen,
    rows,
    run_sql,
)
from tests.plugins.permits.worked_examples import shown

BUREAU = "natural-resources-bureau"


def hand_in(
    office: Office, citizen: Citizen, row: UUID, material: str, content: bytes | None = None
) -> Any:  # noqa: ANN401 - what the service returns
    new = NewFile("x.pdf", a_pdf(material) if content is None else content)
    return office.run(service.hand_in, citizen.reference, row, material, new, ALL)


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Idempotency-Key": new_key()}


def material(office: Office, citizen: Citizen, row: UUID, wanted: str) -> MaterialView:
    found = office.run(service.list_my_materials, citizen.reference, row, ALL)
    return next(one for one in found if one.id == wanted)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (a_pdf(), FileKind.PDF),
        (a_png(), FileKind.PNG),
        (a_jpeg(), FileKind.JPEG),
        (an_archive(OFD_xml=b"<ofd/>", Doc_0=b"1"), FileKind.OFD),
        # What would grow a thousandfold when opened is as large as it is: nothing is unpacked.
        (an_archive(OFD_xml=b"<ofd/>", big=b"0" * 8_000_000), FileKind.OFD),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, kind: FileKind) -> None:
    assert kind_of(content) is kind
    assert len(content) < limits.MIB


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<html><script>alert(1)</script>",
        b"MZ\x90\x00 a program",
        b"GIF89a",
        a_pdf()[:-8],  # cut off
        a_png() + b"<script>",
        a_jpeg() + an_archive(x=b"1"),
        a_pdf() + an_archive(x=b"1"),
        # An archive whose comment ends as a PDF does, behind the beginning of one.
        a_pdf() + an_archive(x=b"1")[:-2] + b"\x06\x00%%EOF\n",
        an_archive(word_document=b"1"),
        an_archive(OFD_xml=b"<ofd/>") + b"%PDF-1.7\n%%EOF\n",
        an_archive(OFD_xml=b"<ofd/>")[:40],
    ],
)
def test_anything_else_and_two_things_at_once_are_refused(content: bytes) -> None:
    with pytest.raises(FileNotTaken):
        kind_of(content)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\xff\xd8\xff"])
)
def test_no_bytes_break_the_reader(content: bytes, head: bytes) -> None:
    with suppress(FileNotTaken):
        assert kind_of(head + content) in FileKind


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\x\\图纸.dwg", "图纸.pdf"),
        ('a"b<c>.exe', "abc.pdf"),
        ("...", "file.pdf"),
        ("x" * 300, f"{'x' * 80}.pdf"),
    ],
)
def test_a_name_is_shown_clean_and_is_no_path(name: str, shown: str) -> None:
    assert shown_name(name, FileKind.PDF) == shown


def test_versions_stay_and_the_same_bytes_are_the_same_version(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.begin(citizen, SMALL_FACTORY)
    first = hand_in(office, citizen, made.id, "contract")
    assert hand_in(office, citizen, made.id, "contract").id == first.id
    second = hand_in(office, citizen, made.id, "contract", a_png())
    assert (first.version, second.version, second.kind) == (1, 2, "png")
    assert second.sha256 == sha256(a_png()).hexdigest()
    found = material(office, citizen, made.id, "contract")
    assert [file.id for file in found.files] == [first.id, second.id]
    for file, content in ((first, a_pdf("contract")), (second, a_png())):
        got = office.run(service.read_my_file, citizen.reference, made.id, file.id, ALL)
        assert got.content == content
    kept = "select content_sealed from plugin_permits.material_contents where file_id = :id"
    ((sealed,),) = rows(rooms, kept, id=first.id)
    assert b"%PDF" not in bytes(sealed)
    for statement in (
        "update plugin_permits.material_files set size = 1 where id = :id",
        "delete from plugin_permits.material_files where id = :id",
    ):
        with pytest.raises(DBAPIError):
            run_sql(rooms, statement, id=first.id)
    # Bytes that were exchanged behind our back are not given out.
    swap = (
        "update plugin_permits.material_contents set content_sealed = (select content_sealed from"
        " plugin_permits.material_contents where file_id = :other) where file_id = :id"
    )
    run_sql(rooms, swap, id=first.id, other=second.id)
    with pytest.raises(Exception, match=r".*"):
        office.run(service.read_my_file, citizen.reference, made.id, first.id, ALL)


def test_the_tables_keep_what_a_version_is(office: Office, citizen: Citizen, rooms: Rooms) -> None:
    made = office.begin(citizen, SMALL_FACTORY)
    first = hand_in(office, citizen, made.id, "contract")
    copy = (
        "insert into plugin_permits.material_files (id, application_id, material, number, kind,"
        " size, digest, uploaded_by, uploaded_at) select gen_random_uuid(), application_id,"
        " material, {number}, {kind}, {size}, digest, {by}, uploaded_at"
        " from plugin_permits.material_files where id = :id"
    )
    good = {"number": "2", "kind": "kind", "size": "size", "by": "uploaded_by"}
    for change, constraint in (
        ({"number": "1"}, "uq_material_files"),
        ({"number": "0"}, "ck_material_files_number"),
        ({"kind": "'exe'"}, "ck_material_files_kind"),
        ({"size": "8388609"}, "ck_material_files_size"),
        ({"by": "'officer'"}, "ck_material_files_officer"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            run_sql(rooms, copy.format(**{**good, **change}), id=first.id)


def test_parallel_uploads_never_exceed_a_quota(
    office: Office, citizen: Citizen, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = office.begin(citizen, SMALL_FACTORY), office.begin(citizen, SMALL_FACTORY)
    size = len(a_pdf("00"))
    monkeypatch.setattr(limits, "MOST_IN_APPLICATION", 5 * size)
    monkeypatch.setattr(limits, "MOST_OF_CITIZEN", 7 * size)

    def try_one(place: int) -> bool:
        row = made.id if place < 10 else other.id
        try:
            hand_in(office, citizen, row, "contract", a_pdf(f"{place:02d}"))
        except MaterialQuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_one, range(10))) == 5
        assert sum(pool.map(try_one, range(10, 20))) == 2
    counted = (
        "select count(*), count(distinct number), max(number), sum(size)"
        " from plugin_permits.material_files where application_id = :id"
    )
    assert rows(rooms, counted, id=made.id) == [(5, 5, 5, 5 * size)]
    assert rows(rooms, counted, id=other.id) == [(2, 2, 2, 2 * size)]
    monkeypatch.setattr(limits, "MOST_FILES", 5)
    monkeypatch.setattr(limits, "MOST_IN_APPLICATION", limits.MIB)
    with pytest.raises(MaterialQuotaExceeded):
        hand_in(office, citizen, made.id, "contract", a_pdf("more"))
    monkeypatch.setattr(limits, "MOST_BYTES", 10)
    with pytest.raises(FileTooLarge):
        hand_in(office, citizen, made.id, "contract", a_pdf("more"))


def test_what_is_missing_is_named_and_nothing_is_submitted(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    made = office.begin(citizen, SMALL_FACTORY)
    mine = (citizen.reference, made.id)
    for wanted in ("land-title", "design-scheme", "working-drawings"):
        hand_in(office, citizen, made.id, wanted)
    with pytest.raises(MaterialsMissing) as refused:
        office.run(service.submit_application, *mine, ALL)
    named = [error["pointer"] for error in (refused.value.errors or ())]
    assert named == [
        "/materials/survey-report",
        "/materials/contract",
        "/materials/safety-measures",
    ]
    assert moves_of(rooms, made.id) == [("draft", "citizen")]
    with pytest.raises(MaterialNotDeferrable):
        office.run(service.undertake, *mine, ["survey-report", "contract"], ALL)
    assert material(office, citizen, made.id, "survey-report").state == "missing"
    for _ in range(2):
        office.run(service.undertake, *mine, ["survey-report", "safety-measures"], ALL)
    hand_in(office, citizen, made.id, "contract")
    assert office.run(service.submit_application, *mine, ALL).status == "submitted"
    report = material(office, citizen, made.id, "survey-report")
    assert (report.state, report.deferrable_days) == ("undertaken", 5)
    assert report.due_at is not None
    assert report.due_at > now() + timedelta(days=4)  # the end of the fifth working day
    with pytest.raises(MaterialsClosed):
        hand_in(office, citizen, made.id, "contract", a_png())
    with pytest.raises(MaterialNotFound):
        hand_in(office, citizen, made.id, "no-such-thing")
    assert hand_in(office, citizen, made.id, "survey-report").version == 1
    kept = "select status from plugin_permits.undertakings where application_id = :id order by 1"
    assert rows(rooms, kept, id=made.id) == [("given",), ("kept",)]


def test_a_promise_leaves_out_a_day_that_the_desk_has_set_off(
    office: Office, citizen: Citizen
) -> None:
    with at("2025-08-12 10:00:00"):
        made = office.begin(citizen, SMALL_FACTORY)
        mine = (citizen.reference, made.id)
        for one in office.run(service.list_my_materials, *mine, ALL):
            if one.id != "survey-report":
                hand_in(office, citizen, made.id, one.id)
        office.run(service.undertake, *mine, ["survey-report"], ALL)
        with office.house.unit_of_work() as uow:
            off = {"title": "调整", "source": "台风", "set_by": uuid4()}
            uow.add(CalendarDay(day=date(2025, 8, 13), is_working=False, **off))
        office.run(service.submit_application, *mine, ALL)
    report = material(office, citizen, made.id, "survey-report")
    # Five days: Thursday, Friday, and three of the next week.
    assert shown(report.due_at) == "2025-08-20 17:00"


def test_what_was_promised_and_did_not_come_returns_the_case(
    office: Office, citizen: Citizen, rooms: Rooms
) -> None:
    cases = []
    for keeps in (True, False):
        made = office.begin(citizen, SMALL_FACTORY)
        for one in office.run(service.list_my_materials, citizen.reference, made.id, ALL):
            if one.id != "survey-report":
                hand_in(office, citizen, made.id, one.id)
        mine = (citizen.reference, made.id)
        office.run(service.undertake, *mine, ["survey-report"], ALL)
        sent = office.run(service.submit_application, *mine, ALL)
        clerk = office.officer(sent.lead, "clerk")
        office.run(service.accept_application, clerk, sent.id, sent.version)
        if keeps:
            hand_in(office, citizen, made.id, "survey-report")
        cases.append(made.id)
    service.return_broken(office.house)
    assert {office.shown(citizen, row).status for row in cases} == {"in_progress"}
    with later(timedelta(days=40).total_seconds()), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: service.return_broken(office.house), range(4)))
    kept, broken = (office.shown(citizen, row) for row in cases)
    assert (kept.status, broken.status) == ("in_progress", "lapsed")
    assert {task.status for task in broken.tasks} <= {"withdrawn", "not_applicable"}
    statement = "select status from plugin_permits.undertakings where application_id = :id"
    assert [rows(rooms, statement, id=row) for row in cases] == [[("kept",)], [("broken",)]]


def test_a_certificate_that_the_city_holds_stands_for_a_paper_while_it_holds(
    house: House, rooms: Rooms
) -> None:
    me = replace(new_citizen(), letterbox="a-letterbox")
    held: list[str] = ["LAND-1"]

    def find(_: UnitOfWork, letterbox: str, type_id: str) -> list[Certificate]:
        if type_id != "land-use-planning-permit":
            raise ValueError("nobody issues these")
        assert letterbox == "a-letterbox"
        return [
            Certificate(
                number=number,
                type=type_id,
                status="active",
                reference="r",
                issued_at=now(),
                valid_until=date(2031, 1, 6),
            )
            for number in held
        ]

    told: list[object] = []
    office = Office(
        replace(house, find_certificates=find, announce=lambda *a, **b: told.append((a, b)))
    )
    made = office.begin(me, SMALL_FACTORY)
    mine = (me.reference, made.id)
    for one in office.run(service.list_my_materials, *mine, ALL):
        if one.id != "land-title":
            hand_in(office, me, made.id, one.id)
    with pytest.raises(CertificateNotHeld):
        office.run(service.use_certificate, *mine, "contract", ALL)
    office.run(service.use_certificate, *mine, "land-title", ALL)
    seen = material(office, me, made.id, "land-title")
    assert (seen.state, seen.certificate) == ("certificate", "LAND-1")
    held.clear()  # revoked before the submission
    with pytest.raises(MaterialsMissing):
        office.run(service.submit_application, *mine, ALL)
    held.append("LAND-2")
    with pytest.raises(MaterialsMissing):
        office.run(service.submit_application, *mine, ALL)
    office.run(service.use_certificate, *mine, "land-title", ALL)
    assert office.run(service.submit_application, *mine, ALL).status == "submitted"
    assert rows(
        rooms,
        "select certificate from plugin_permits.material_certificates where application_id = :id",
        id=made.id,
    ) == [("LAND-2",)]


def test_a_decision_keeps_the_versions_that_it_was_made_by_and_a_newer_one_is_noticed(
    office: Office, citizen: Citizen
) -> None:
    made = office.accepted(citizen)
    task = office.task(citizen, made.id, "works-planning")
    clerk = office.officer(BUREAU, "clerk")
    decider = office.officer(BUREAU, "decider")
    office.reviewed(clerk, task)
    version = office.run(service.read_task, clerk, task).line.version
    new = NewFile("counter.png", a_png())
    added = office.run(service.hand_in_at_desk, clerk, task, "design-scheme", new)
    assert (added.version, added.uploaded_by) == (2, "officer")
    with pytest.raises(PermitVersionStale):
        office.run(service.propose, clerk, task, version, APPROVED)
    with pytest.raises(MaterialNotFound):
        office.run(service.hand_in_at_desk, clerk, task, "contract", new)
    office.act(service.propose, clerk, task, APPROVED)
    office.act(service.decide, decider, task, APPROVED)
    found = office.run(service.list_task_materials, decider, task)
    seen = {(one.id, file.version): list(file.seen_in) for one in found for file in one.files}
    assert seen == {
        ("land-title", 1): ["proposed", "final"],
        ("design-scheme", 1): [],
        ("design-scheme", 2): ["proposed", "final"],
    }
    # Of what a task does not need its department reads nothing.
    contract = material(office, citizen, made.id, "contract").files[0]
    with pytest.raises(MaterialFileNotFound):
        office.run(service.read_task_file, decider, task, contract.id)
    assert office.run(service.read_task_file, decider, task, added.id).content == a_png()


def test_what_a_supplement_asks_for_can_be_handed_in_and_nothing_else(
    office: Office, citizen: Citizen
) -> None:
    made = office.accepted(citizen)
    task = office.task(citizen, made.id, "works-planning")
    clerk = office.officer(BUREAU, "clerk")
    office.reviewed(clerk, task)
    with pytest.raises(MaterialsClosed):
        hand_in(office, citizen, made.id, "design-scheme", a_png())
    office.act(service.ask_in_review, clerk, task, Ask("请补充总平面图", (), ("design-scheme",)))
    assert hand_in(office, citizen, made.id, "design-scheme", a_png()).version == 2
    with pytest.raises(MaterialsClosed):
        hand_in(office, citizen, made.id, "land-title", a_png())


def test_strangers_find_nothing_and_erasing_leaves_what_was_decided_by(
    office: Office, citizen: Citizen, stranger: Citizen, rooms: Rooms
) -> None:
    made = office.begin(citizen, SMALL_FACTORY)
    theirs = office.begin(stranger, SMALL_FACTORY)
    file = hand_in(office, citizen, made.id, "contract")
    for act in (
        lambda: hand_in(office, stranger, made.id, "contract"),
        lambda: office.run(service.list_my_materials, stranger.reference, made.id, ALL),
        lambda: office.run(service.read_my_file, stranger.reference, made.id, file.id, ALL),
        lambda: office.run(service.undertake, stranger.reference, made.id, ["survey-report"], ALL),
    ):
        with pytest.raises(PermitApplicationNotFound):
            act()
    with pytest.raises(MaterialFileNotFound):
        office.run(service.read_my_file, stranger.reference, theirs.id, file.id, ALL)
    files: Any = service.export_citizen(office.house, citizen.reference)["files"]
    (copied,) = files
    assert (copied["name"], copied["sha256"]) == ("x.pdf", file.sha256)
    for _ in range(2):
        service.erase_citizen(office.house, citizen.reference)
    contents = "select count(*) from plugin_permits.material_contents where file_id = :id"
    assert rows(rooms, contents, id=file.id) == [(0,)]
    stays = "select encode(digest, 'hex') from plugin_permits.material_files where id = :id"
    assert rows(rooms, stays, id=file.id) == [(file.sha256,)]


def test_over_http_a_file_goes_up_and_comes_down_as_an_attachment_that_nobody_keeps(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    me, other = log_in(client, world, rooms), log_in(client, world, rooms)
    for somebody in (me, other):
        verify(client, world, somebody)
    wish = {"bundle": "construction-start", "answers": SMALL_FACTORY}
    begun = client.post(f"{PLACE}/applications", json=wish, headers=keyed(me.auth))
    assert begun.status_code == 201, begun.text
    place = begun.headers["Location"]
    made = upload(client, me.auth, place, "contract", name="../合同.exe")
    assert made.status_code == 201, made.text
    assert (made.json["name"], made.json["kind"]) == ("合同.pdf", "pdf")
    got = client.get(f"{place}/files/{made.json['id']}/content", headers=me.auth)
    assert (got.status_code, got.data) == (200, a_pdf("contract"))
    assert got.content_type == "application/pdf"
    assert got.headers["Content-Disposition"] == 'attachment; filename="contract-v1.pdf"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    for path in ("materials", f"files/{made.json['id']}/content"):
        foreign = client.get(f"{place}/{path}", headers=other.auth)
        assert (foreign.status_code, foreign.json["code"]) == (404, "permit-application-not-found")
    page = upload(client, me.auth, place, "contract", b"<html>")
    assert (page.status_code, page.json["code"]) == (422, "permit-file-not-taken")
    large = upload(client, me.auth, place, "contract", b"%PDF-1.7\n" + b"0" * limits.MOST_BYTES)
    assert large.status_code == 413
    typed = client.post(
        f"{place}/materials/contract/files",
        data=a_pdf(),
        headers=me.auth,
        content_type="text/html",
    )
    assert typed.status_code == 415
    missing = client.post(f"{place}/submission", headers=keyed(me.auth))
    assert (missing.status_code, missing.json["code"]) == (422, "permit-materials-missing")
    upload_all(client, me.auth, place)
    sent = client.post(f"{place}/submission", headers=keyed(me.auth))
    assert sent.status_code == 200, sent.text
    lead = make_desk(client, rooms, begun.json["lead"], "clerk")
    desk = f"applications/{begun.json['id']}"
    listed = lead.get(f"{desk}/materials")["items"]
    assert {one["state"] for one in listed} == {"handed_in"}
    seen = client.get(f"{PLACE}/desk/{desk}/files/{made.json['id']}/content", headers=lead.headers)
    assert (seen.status_code, seen.data) == (200, a_pdf("contract"))
    elsewhere = make_desk(client, rooms, "water-bureau", "clerk")
    hidden = client.get(
        f"{PLACE}/desk/{desk}/files/{made.json['id']}/content", headers=elsewhere.headers
    )
    assert (hidden.status_code, hidden.json["code"]) == (404, "permit-application-not-found")
    event = "select details::text from audit_entries where event = 'permits.file_read'"
    assert [row for row in rows(rooms, event) if made.json["id"] in row[0]]


@pytest.mark.promise("P12")
def test_figures_of_files(office: Office, citizen: Citizen, shows: Callable[[str], None]) -> None:
    made = office.begin(citizen, SMALL_FACTORY)
    hand_in_all(office.house, made.id)
    large = b"%PDF-1.7\n" + b"0" * (limits.MOST_BYTES - 15) + b"%%EOF\n"
    file = hand_in(office, citizen, made.id, "contract", large)
    got = office.run(service.read_my_file, citizen.reference, made.id, file.id, ALL)
    assert got.content == large
    shows(
        f"a file of {file.size} bytes sealed and read back with its SHA-256, version {file.version}"
    )
