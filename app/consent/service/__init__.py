"""What citizens agreed to, and who was shown what of them.

For the rooms above, all of it in the caller's unit of work:

- `grant_consent(uow, Grant(citizen_id, consumer, title, agreement_id, attributes, expires_at,
  subject, method, session_id)) -> UUID`: record a yes; a live one before it is superseded.
- `find_live(uow, citizen_id, consumer) -> tuple[LiveConsent, ...]`: what holds now, straight from
  the database; empty when nothing does. `covered(live) -> frozenset[str]`: the attributes.
- `withdraw_consent(uow, citizen_id, consent_id)`: take one back, publishing `ConsentWithdrawn`
  (`consent_id, citizen_id, consumer, agreement_id`); `withdraw_all(uow, citizen_id, cause=…)`.
- `is_consented(uow, consumer, subject, attribute) -> bool` and `list_changes(uow, consumer, after,
  limit) -> Changes`: what a consumer may ask of its own subjects.
- `current_agreement(uow, agreement_id) -> Agreement`: what a consent page shows.
- `record_disclosure(uow, deps, Disclosure(citizen_id, consumer, title, attributes, basis, purpose,
  consent_id, mandate_id, officer))`: before attributes are shown to anybody; works in read-only
  units too.

A consumer is `client:<id>`, `plugin:<name>`, `department:<id>`, `staff:<id>` or `app`. The
agreement of clients without one of their own is `third-party-sign-in`.
"""

from app.consent.service.acceptance import accept_agreement, give_consent, list_agreements
from app.consent.service.agreements import (
    AgreementsInvalid,
    current_agreement,
    publish_agreements,
    read_agreements,
)
from app.consent.service.consents import (
    covered,
    expire_consents,
    find_live,
    grant_consent,
    is_consented,
    list_changes,
    list_consents,
    read_consent,
    withdraw_all,
    withdraw_consent,
)
from app.consent.service.disclosures import ConsentDeps, list_disclosures, record_disclosure
from app.consent.values import Changes, LiveConsent

__all__ = [
    "AgreementsInvalid",
    "Changes",
    "ConsentDeps",
    "LiveConsent",
    "accept_agreement",
    "covered",
    "current_agreement",
    "expire_consents",
    "find_live",
    "give_consent",
    "grant_consent",
    "is_consented",
    "list_agreements",
    "list_changes",
    "list_consents",
    "list_disclosures",
    "publish_agreements",
    "read_agreements",
    "read_consent",
    "record_disclosure",
    "withdraw_all",
    "withdraw_consent",
]
