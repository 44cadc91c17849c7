"""What ends by itself: terms that are reached, questions nobody answers, childhood."""

from app.core.unit_of_work import UnitOfWork
from app.delegation.service.claims import forget_old_claims
from app.delegation.service.deps import DelegationDeps
from app.delegation.service.guardianships import end_of_age
from app.delegation.service.mandates import end_due

TICK_SECONDS = 5
"""How late at most the end of a mandate is written down and told; its power ends to the second."""


def end_what_is_due(uow: UnitOfWork, deps: DelegationDeps) -> None:
    """End mandates and guardianships whose time has come, and tell both; safe in parallel."""
    end_due(uow, deps)
    end_of_age(uow)
    forget_old_claims(uow)
