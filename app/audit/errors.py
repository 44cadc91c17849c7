"""What the trail refuses."""

from app.core.errors import Unavailable


class SealingLate(Unavailable):
    """The audit trail has not been sealed for four hours: staff may look, but change nothing."""

    code = "audit-sealing-late"
    title_zh = "审计封存滞后，暂停管理操作"
    title_en = "The audit trail is not being sealed; changes by staff are suspended"
