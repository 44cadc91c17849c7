"""Staff and integrators, as the command line makes them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.tokens import Tokens
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import IntegratorExists
from app.identity.models import Integrator, Staff, StaffSession
from app.identity.values import AccountStatus, Role

WORKING_DAY = timedelta(hours=8)


def create_staff(uow: UnitOfWork, label: str, role: Role, department: str | None) -> Staff:
    """Make a member of staff."""
    staff = Staff(label=label, role=role, department=department, status=AccountStatus.ACTIVE)
    uow.open_record(staff, cause="command-line")
    return staff


def issue_sandbox_token(uow: UnitOfWork, tokens: Tokens, staff: Staff) -> str:
    """Return a token good for a working day; only a sandbox accepts it."""
    session = StaffSession(staff_id=staff.id, means="sandbox", expires_at=now() + WORKING_DAY)
    uow.add(session)
    uow.flush()
    return tokens.issue(
        subject=staff.id,
        session_id=session.id,
        kind="staff",
        assurance="strong",
        lifetime=WORKING_DAY,
    )


def create_integrator(uow: UnitOfWork, name: str, scopes: Sequence[str]) -> tuple[Integrator, str]:
    """Make an integrator; the secret is returned once and kept as a digest.

    Raise `IntegratorExists` when the name is taken.
    """
    secret = new_secret()
    integrator = Integrator(
        name=name,
        scopes=sorted(set(scopes)),
        secret_digest=digest(secret),
        status=AccountStatus.ACTIVE,
    )
    try:
        with uow.begin_nested():
            uow.open_record(integrator, cause="command-line")
    except IntegrityError as error:
        raise IntegratorExists from error
    return integrator, secret
