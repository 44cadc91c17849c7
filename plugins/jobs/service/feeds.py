"""Files of vacancies that job centres send: a vacancy is one, whoever tells of it.

A feed's files are taken in turn. What its lines name is checked by the rules for adverts; the same
work at the same employer is one vacancy with several sources, and one that a full file names no
longer is closed when nobody else tells of it. However many lines there are, a handful of statements
read and write them.
"""

import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.sdk import House, NotFound, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import FeedNotFound, FeedOvertaken, FeedShrank
from plugins.jobs.events import FeedClientAdmitted, FeedRefused, FeedTaken
from plugins.jobs.models import (
    Employer,
    FeedClient,
    FeedFile,
    FeedRow,
    Vacancy,
    VacancyRevision,
    VacancySource,
)
from plugins.jobs.service.adverts import find_faults
from plugins.jobs.service.closing import close_vacancies
from plugins.jobs.service.feed_file import read_feed_file
from plugins.jobs.service.vacancies import hired_for, lay, open_vacancy, propose
from plugins.jobs.values import (
    LIVE,
    CloseCause,
    EmployerStatus,
    Feed,
    FeedClientView,
    FeedFileView,
    FeedLine,
    LineOutcome,
    LineRefused,
    RevisionStatus,
    VacancyStatus,
    plain_advert,
    sameness_of,
)

_FILE = Path(__file__).parent.parent / "feeds.toml"
MOST_REPORTED = 1_000
_SECONDS = 60
_FEW = 20
"""So many may always leave a full feed at once; more only up to half of what it had."""
_FINAL = {
    CloseCause.DESK_FEES,
    CloseCause.DESK_DISCRIMINATION,
    CloseCause.DESK_FALSE,
    CloseCause.DESK_DUPLICATE,
    CloseCause.DESK_OTHER,
}
_MAY_COME_BACK = {CloseCause.LEFT_THE_FEED, CloseCause.VALID_THROUGH_PASSED}


@dataclass(slots=True)
class _Books:
    """What is known while a file is taken: read once, kept up line by line."""

    employers: dict[str, Employer]
    sources: dict[str, VacancySource]
    vacancies: dict[UUID, Vacancy]
    open_by_sameness: dict[bytes, Vacancy]
    tellers: dict[UUID, int]
    """How many live sources a vacancy has."""
    waiting: dict[UUID, VacancyRevision]
    hired: Mapping[UUID, int]
    outcomes: dict[LineOutcome, int] = field(default_factory=dict)
    refused: list[LineRefused] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    left: set[UUID] = field(default_factory=set)

    def count(self, outcome: LineOutcome) -> None:
        """Count one line."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


def find_feed(feed_id: str) -> Feed:
    """Return a feed, or raise `FeedNotFound`."""
    if feed_id not in FEEDS:
        raise FeedNotFound
    return FEEDS[feed_id]


def take_file(
    house: House,
    uow: UnitOfWork,
    feed_id: str,
    raw: bytes,
    media_type: str,
    *,
    may_shrink: bool = False,
) -> FeedFileView:
    """Take a file of vacancies: the file is whole or refused, and each line counts by itself.

    The bytes that came last change nothing and are answered as before. Raise `FeedNotFound`,
    `FeedFileInvalid`, or `FeedShrank` when a full file would close more than half of what its
    feed has open, unless the caller says that it may.
    """
    feed = find_feed(feed_id)
    read = read_feed_file(raw, media_type)
    uow.take_long(_SECONDS)
    uow.execute(insert(FeedRow).values(feed=feed.id, since=now()).on_conflict_do_nothing())
    uow.lock(FeedRow, feed.id)
    digest = sha256(raw).digest()
    last = uow.scalar(
        select(FeedFile)
        .where(FeedFile.feed == feed.id)
        .order_by(FeedFile.taken_at.desc(), FeedFile.id.desc())
        .limit(1)
    )
    if last is not None and last.digest == digest:
        return _show(last, is_new=False)
    books = _open_books(uow, feed, read.lines)
    for refusal in read.refused:
        _refuse(books, refusal)
    for line in read.lines:
        _take_line(uow, feed, books, line)
    named = {line.source_id for line in read.lines} | {r.source_id for r in read.refused}
    if feed.full:
        _note_gone(books, named, may_shrink=may_shrink)
    uow.flush()
    _touch(uow, feed, books.same)
    closed = _close_left(house, uow, books)
    file = _keep(uow, feed, digest, read.count, books, closed)
    uow.record(FeedTaken(feed=feed.id, file_id=file.id, lines=file.lines))
    return _show(file, is_new=True)


def take_own_file(
    house: House,
    uow: UnitOfWork,
    client_id: UUID,
    feed_id: str,
    raw: bytes,
    media_type: str,
    *,
    may_shrink: bool = False,
) -> FeedFileView:
    """Take a file that a feed's own system sends; raise `FeedNotFound` for any other client's."""
    if feed_id not in FEEDS or uow.get(FeedClient, (feed_id, client_id)) is None:
        name = feed_id if len(feed_id) <= 64 else "?"  # noqa: PLR2004 - a slug is no longer
        uow.record(FeedRefused(result="refused", feed=name, client_id=client_id))
        raise FeedNotFound
    return take_file(house, uow, feed_id, raw, media_type, may_shrink=may_shrink)


def list_files(uow: UnitOfWork, feed_id: str, page: PageRequest) -> Page[FeedFileView]:
    """Return a page of a feed's files, the last one first."""
    feed = find_feed(feed_id)
    rows = fetch_page(
        uow,
        select(FeedFile).where(FeedFile.feed == feed.id),
        [FeedFile.taken_at, FeedFile.id],
        page,
        descending=True,
    )
    return Page([_show(row, is_new=True) for row in rows.items], rows.next_cursor)


def admit_feed_client(uow: UnitOfWork, feed_id: str, client_id: UUID) -> FeedClientView:
    """Let a client send a feed's files; once more changes nothing."""
    feed = find_feed(feed_id)
    uow.execute(
        insert(FeedClient)
        .values(feed=feed.id, client_id=client_id, admitted_by=uow.actor, admitted_at=now())
        .on_conflict_do_nothing()
    )
    uow.record(FeedClientAdmitted(feed=feed.id, client_id=client_id, admitted=True))
    return FeedClientView(client_id, uow.get_one(FeedClient, (feed.id, client_id)).admitted_at)


def dismiss_feed_client(uow: UnitOfWork, feed_id: str, client_id: UUID) -> None:
    """Let a client send a feed's files no longer, or raise `NotFound`."""
    feed = find_feed(feed_id)
    mine = (FeedClient.feed == feed.id, FeedClient.client_id == client_id)
    if uow.scalar(delete(FeedClient).where(*mine).returning(FeedClient.client_id)) is None:
        raise NotFound
    uow.record(FeedClientAdmitted(feed=feed.id, client_id=client_id, admitted=False))


def read_feeds(text: str) -> Mapping[str, Feed]:
    """Return the feeds that a file names; raise `TypeError` for anything unclear."""
    return {name: Feed(id=name, **values) for name, values in tomllib.loads(text).items()}


def _open_books(uow: UnitOfWork, feed: Feed, lines: Sequence[FeedLine]) -> _Books:
    """Read all that the lines speak of, and lock it: employers, then vacancies, then wordings."""
    employers = _lock_employers(uow, feed, lines)
    samenesses = {
        sameness_of(employers[line.credit_code].id, line.advert)
        for line in lines
        if line.credit_code in employers
    }
    ids_named = [line.source_id for line in lines]
    known = select(VacancySource).where(
        VacancySource.kind == feed.id,
        VacancySource.gone_at.is_(None) | VacancySource.source_id.in_(ids_named),
    )
    sources = {row.source_id: row for row in uow.scalars(known)}
    named = [sources[line.source_id].vacancy_id for line in lines if line.source_id in sources]
    wanted = (
        select(Vacancy)
        .where(
            Vacancy.id.in_(named) | (Vacancy.sameness.in_(samenesses) & Vacancy.status.in_(LIVE))
        )
        .order_by(Vacancy.id)
        .with_for_update()
    )
    rows = list(uow.scalars(wanted.execution_options(populate_existing=True)))
    ids = [row.id for row in rows]
    tellers: dict[UUID, int] = {}
    told = select(VacancySource.vacancy_id).where(
        VacancySource.vacancy_id.in_(ids), VacancySource.gone_at.is_(None)
    )
    for vacancy_id in uow.scalars(told):
        tellers[vacancy_id] = tellers.get(vacancy_id, 0) + 1
    waiting = select(VacancyRevision).where(
        VacancyRevision.vacancy_id.in_(ids), VacancyRevision.status == RevisionStatus.PROPOSED
    )
    return _Books(
        employers=employers,
        sources=sources,
        vacancies={row.id: row for row in rows},
        open_by_sameness={row.sameness: row for row in rows if row.status in LIVE},
        tellers=tellers,
        waiting={row.vacancy_id: row for row in uow.scalars(waiting.with_for_update())},
        hired=hired_for(uow, ids),
    )


def _lock_employers(uow: UnitOfWork, feed: Feed, lines: Sequence[FeedLine]) -> dict[str, Employer]:
    names = {line.credit_code: line for line in lines}
    if feed.vouches:
        _open_employers(uow, names)
    rows = (
        select(Employer)
        .where(Employer.credit_code.in_(names), Employer.status != EmployerStatus.REFUSED)
        .order_by(Employer.id)
        .with_for_update()
    )
    found = uow.scalars(rows.execution_options(populate_existing=True))
    return {row.credit_code: row for row in found}


def _open_employers(uow: UnitOfWork, names: Mapping[str, FeedLine]) -> None:
    """Add the employers that nobody has registered: a feed that vouches has checked them."""
    known = select(Employer.credit_code).where(
        Employer.credit_code.in_(names), Employer.status != EmployerStatus.REFUSED
    )
    missing = sorted(names.keys() - set(uow.scalars(known)))
    for code in missing:
        employer = Employer(
            id=new_id(),
            status=EmployerStatus.REQUESTED,
            credit_code=code,
            name=names[code].employer_name,
            district=names[code].advert.district,
            registered_at=now(),
        )
        uow.open_record(employer, cause="feed")
        uow.move(employer, EmployerStatus.VERIFIED, cause="feed")
        employer.verified_at = now()
    try:
        uow.flush()
    except IntegrityError as error:  # somebody registers one of them at this moment
        raise FeedOvertaken from error


def _take_line(uow: UnitOfWork, feed: Feed, books: _Books, line: FeedLine) -> None:
    """Do what one line says, in the books and in the session; nothing is asked of the database."""
    employer = books.employers.get(line.credit_code)
    if employer is None or employer.status != EmployerStatus.VERIFIED:
        said = "用人单位未通过核验 (the employer is not verified)"
        _refuse(books, LineRefused(line.line, line.source_id, "employer-not-verified", said))
        return
    faults = find_faults(line.advert)
    if faults:
        first = faults[0]
        told = (line.line, line.source_id, "advert-refused", first.message)
        _refuse(books, LineRefused(*told, first.passage, first.rule))
        return
    digest = _digest(line)
    source = books.sources.get(line.source_id)
    vacancy = None if source is None else books.vacancies.get(source.vacancy_id)
    if source is None or vacancy is None:
        _attach(uow, feed, books, line, employer, digest)
        return
    if vacancy.closed_cause in _FINAL:
        said = "岗位已被撤下 (the desk has withdrawn it)"
        _refuse(books, LineRefused(line.line, line.source_id, "vacancy-withdrawn", said))
        return
    is_open = vacancy.status in LIVE
    comes_back = source.gone_at is not None or vacancy.closed_cause in _MAY_COME_BACK
    if source.content_digest == digest and (is_open or not comes_back):
        if source.gone_at is not None:
            source.gone_at = None
            books.tellers[vacancy.id] = books.tellers.get(vacancy.id, 0) + 1
        books.same.append(line.source_id)
        books.count(LineOutcome.UNCHANGED)
    elif is_open and _is_its_own(books, source, vacancy, employer, line):
        _rewrite(uow, books, vacancy, employer, line)
        source.content_digest, source.last_seen_at = digest, now()
        books.count(LineOutcome.UPDATED)
    else:
        _leave(books, source)
        _attach(uow, feed, books, line, employer, digest)


def _is_its_own(
    books: _Books, source: VacancySource, vacancy: Vacancy, employer: Employer, line: FeedLine
) -> bool:
    """Say whether a source may reword its vacancy: nobody else tells of it, or of the new one."""
    other = books.open_by_sameness.get(sameness_of(employer.id, line.advert), vacancy)
    return (
        source.gone_at is None
        and employer.id == vacancy.employer_id
        and books.tellers.get(vacancy.id, 0) == 1
        and other is vacancy
    )


def _attach(
    uow: UnitOfWork,
    feed: Feed,
    books: _Books,
    line: FeedLine,
    employer: Employer,
    digest: bytes,
) -> None:
    """Let a source tell of the open vacancy of the same work, or of a new one."""
    sameness = sameness_of(employer.id, line.advert)
    vacancy = books.open_by_sameness.get(sameness)
    if vacancy is None:
        vacancy = _open(uow, books, employer, line)
        books.count(LineOutcome.CREATED)
    else:
        books.count(LineOutcome.MERGED)
    source = books.sources.get(line.source_id)
    if source is None:
        source = VacancySource(kind=feed.id, source_id=line.source_id, first_seen_at=now())
        books.sources[line.source_id] = source
        uow.add(source)
    source.vacancy_id, source.content_digest = vacancy.id, digest
    source.last_seen_at, source.gone_at = now(), None
    books.tellers[vacancy.id] = books.tellers.get(vacancy.id, 0) + 1


def _open(uow: UnitOfWork, books: _Books, employer: Employer, line: FeedLine) -> Vacancy:
    """Add a vacancy and publish it: the rules have checked it, and the feed answers for it."""
    vacancy, revision = open_vacancy(uow, employer, line.advert, cause="feed")
    uow.move(revision, RevisionStatus.APPLIED, cause="feed")
    revision.decided_at = now()
    uow.move(vacancy, VacancyStatus.VERIFIED, cause="feed")
    uow.move(vacancy, VacancyStatus.PUBLISHED, cause="feed")
    vacancy.published_at = now()
    books.vacancies[vacancy.id] = vacancy
    books.open_by_sameness[vacancy.sameness] = vacancy
    return vacancy


def _rewrite(
    uow: UnitOfWork, books: _Books, vacancy: Vacancy, employer: Employer, line: FeedLine
) -> None:
    """Let a feed's new wording count: the rules have checked it."""
    waiting = books.waiting.pop(vacancy.id, None)
    if waiting is not None:
        uow.move(waiting, RevisionStatus.SUPERSEDED, cause="feed")
    vacancy.revision += 1
    revision = propose(uow, vacancy, line.advert, vacancy.revision, cause="feed")
    uow.move(revision, RevisionStatus.APPLIED, cause="feed")
    revision.decided_at = now()
    books.open_by_sameness.pop(vacancy.sameness, None)
    # Nobody who was hired loses the seat because a feed counts what is left.
    seats = max(line.advert.open_positions, books.hired.get(vacancy.id, 0))
    lay(vacancy, employer, replace(line.advert, open_positions=seats))
    books.open_by_sameness[vacancy.sameness] = vacancy


def _leave(books: _Books, source: VacancySource) -> None:
    """Let a source speak of its vacancy no longer."""
    if source.gone_at is None:
        books.tellers[source.vacancy_id] = books.tellers.get(source.vacancy_id, 1) - 1
    books.left.add(source.vacancy_id)


def _note_gone(books: _Books, named: Collection[str], *, may_shrink: bool) -> None:
    """Note which sources a full file no longer names, or raise `FeedShrank`."""
    present = [row for row in books.sources.values() if row.gone_at is None]
    gone = [row for row in present if row.source_id not in named]
    if not may_shrink and len(gone) > max(_FEW, len(present) // 2):
        raise FeedShrank(gone=len(gone), open=len(present))
    for row in gone:
        row.gone_at = now()
        books.left.add(row.vacancy_id)


def _close_left(house: House, uow: UnitOfWork, books: _Books) -> int:
    """Close what nobody tells of any more; return how many."""
    if not books.left:
        return 0
    told = select(VacancySource.vacancy_id).where(
        VacancySource.vacancy_id.in_(books.left), VacancySource.gone_at.is_(None)
    )
    orphans = books.left - set(uow.scalars(told))
    rows = (
        select(Vacancy)
        .where(Vacancy.id.in_(orphans), Vacancy.status.in_(LIVE))
        .order_by(Vacancy.id)
        .with_for_update()
    )
    vacancies = list(uow.scalars(rows))
    close_vacancies(house, uow, vacancies, VacancyStatus.WITHDRAWN, CloseCause.LEFT_THE_FEED)
    return len(vacancies)


def _touch(uow: UnitOfWork, feed: Feed, same: Sequence[str]) -> None:
    if same:
        uow.execute(
            update(VacancySource)
            .where(VacancySource.kind == feed.id, VacancySource.source_id.in_(same))
            .values(last_seen_at=now())
        )


def _keep(
    uow: UnitOfWork, feed: Feed, digest: bytes, lines: int, books: _Books, closed: int
) -> FeedFile:
    counts = {str(outcome): books.outcomes.get(outcome, 0) for outcome in LineOutcome}
    refused = sorted(books.refused, key=lambda one: one.line)[:MOST_REPORTED]
    file = FeedFile(
        id=new_id(),
        feed=feed.id,
        digest=digest,
        lines=lines,
        closed=closed,
        report=[{k: v for k, v in asdict(one).items() if v is not None} for one in refused],
        taken_by=uow.actor,
        taken_at=now(),
        **counts,
    )
    uow.add(file)
    uow.flush()
    return file


def _refuse(books: _Books, refusal: LineRefused) -> None:
    books.refused.append(refusal)
    books.count(LineOutcome.REFUSED)


def _digest(line: FeedLine) -> bytes:
    content: dict[str, Any] = {**plain_advert(line.advert), "credit_code": line.credit_code}
    return sha256(json.dumps(content, sort_keys=True).encode()).digest()


def _show(file: FeedFile, *, is_new: bool) -> FeedFileView:
    return FeedFileView(
        id=file.id,
        feed=file.feed,
        lines=file.lines,
        created=file.created,
        merged=file.merged,
        updated=file.updated,
        unchanged=file.unchanged,
        refused=file.refused,
        closed=file.closed,
        report=file.report,
        taken_at=file.taken_at,
        is_new=is_new,
    )


FEEDS = read_feeds(_FILE.read_text(encoding="utf-8"))
