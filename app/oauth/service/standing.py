"""Whether a grant counts now: its own row, its citizen's account and session, and their consent."""

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.oauth.models import Grant
from app.oauth.service.consents import find_live
from app.oauth.values import GrantStatus


def is_grant_live(uow: UnitOfWork, grant: Grant) -> bool:
    """Say whether a grant counts now."""
    if grant.status != GrantStatus.ACTIVE or grant.expires_at <= now():
        return False
    return grant.citizen_id is None or level_of(uow, grant) is not None


def level_of(uow: UnitOfWork, grant: Grant) -> str | None:
    """Return the level that a grant's citizen has now; None when nobody stands behind it.

    What acts under a mandate rests on the delegate's own grant, which its reader asks besides.
    """
    if grant.citizen_id is None:
        return None
    if grant.mandate_id is None and find_live(uow, grant.citizen_id, grant.client_id) is None:
        return None
    if grant.is_offline or grant.session_id is None:
        return identity.assurance_of(uow, grant.citizen_id)
    names = {"sub": str(grant.citizen_id), "sid": str(grant.session_id)}
    who = identity.read_citizen(uow, names)
    return None if who is None else who.assurance
