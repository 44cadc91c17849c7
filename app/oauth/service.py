"""Integrators, as the command line makes them, and what their tokens may."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import IntegratorExists
from app.oauth.models import Integrator
from app.oauth.values import ClientStatus


def create_integrator(uow: UnitOfWork, name: str, scopes: Sequence[str]) -> tuple[Integrator, str]:
    """Make an integrator; the secret is returned once and kept as a digest.

    Raise `IntegratorExists` when the name is taken.
    """
    secret = new_secret()
    integrator = Integrator(
        name=name,
        scopes=sorted(set(scopes)),
        secret_digest=digest(secret),
        status=ClientStatus.ACTIVE,
    )
    try:
        with uow.begin_nested():
            uow.open_record(integrator, cause="command-line")
    except IntegrityError as error:
        raise IntegratorExists from error
    return integrator, secret


def read_integrator(uow: UnitOfWork, claims: Mapping[str, Any]) -> Principal | None:
    """Return the integrator a token in its own name speaks for, with the scopes it has now."""
    integrator_id = UUID(claims["sub"])
    scopes = uow.scalar(
        select(Integrator.scopes).where(
            Integrator.id == integrator_id, Integrator.status == ClientStatus.ACTIVE
        )
    )
    if scopes is None:
        return None
    return Principal(
        "integrator", integrator_id, UUID(claims["sid"]), permissions=frozenset(scopes)
    )
