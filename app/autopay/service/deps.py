"""What standing orders work with."""

from dataclasses import dataclass

from app.payments.service import PaymentDeps


@dataclass(frozen=True, slots=True)
class AutopayDeps:
    """The collaborators of this room."""

    payments: PaymentDeps
    pace: int
