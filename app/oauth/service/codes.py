"""Authorization codes: redeemed once; a second use takes back what the first one gave.

Except that a client whose connection broke may ask again: within ten seconds the same DPoP key gets
the very same answer. A thief of the code does not have the key.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update

from app.core.clock import now
from app.core.crypto import digest
from app.core.dpop import Proof
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidGrant
from app.oauth.events import CodeReused
from app.oauth.models import AuthorizationCode, Client, Grant
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.grants import end_grant
from app.oauth.service.minting import Wanted, answer_with_tokens, begin_lifetime, can_refresh
from app.oauth.service.sealing import open_json, seal_json
from app.oauth.service.standing import is_grant_live
from app.oauth.values import REPEAT_WINDOW, GrantStatus

_TABLE = "authorization_codes"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class Redemption:
    """What comes with a code: where it was sent, the verifier, and the key that was proven."""

    code: str
    redirect_uri: str | None
    verifier: str
    proof: Proof | None


def redeem_code(
    uow: UnitOfWork, deps: OAuthDeps, client: Client, shown: Redemption
) -> tuple[dict[str, Any] | None, Grant | None]:
    """Return the answer of the token endpoint and the grant; no answer when the code is refused.

    The caller commits either way: a second use ends the grant although it is refused.
    """
    code = uow.scalar(
        select(AuthorizationCode)
        .where(AuthorizationCode.digest == digest(shown.code))
        .with_for_update()
    )
    if code is None or not _is_bound(code, client, shown):
        return None, None
    grant = uow.scalars(select(Grant).where(Grant.id == code.grant_id).with_for_update()).one()
    if code.used_at is not None:
        return _repeat(uow, deps, code, grant, shown), grant
    if code.expires_at <= now() or not is_grant_live(uow, grant):
        return None, grant
    code.used_at = now()
    if shown.proof is not None:
        grant.key_thumbprint = code.used_with = shown.proof.thumbprint
    begin_lifetime(grant, client)
    answer = answer_with_tokens(uow, deps, client, grant, Wanted(refresh=can_refresh(client)))
    if shown.proof is not None:
        code.answer_sealed = seal_json(deps, _TABLE, code.id, answer)
    return answer, grant


def refuse_code() -> InvalidGrant:
    """Return the one refusal of a code: which of its bonds did not hold is nobody's business."""
    return InvalidGrant("The code is unknown, over, used, or was given for something else.")


def forget_answers(uow: UnitOfWork) -> None:
    """Remove the kept answers that can no longer be asked for. Idempotent."""
    uow.execute(
        update(AuthorizationCode)
        .where(
            AuthorizationCode.answer_sealed.is_not(None),
            AuthorizationCode.used_at < now() - REPEAT_WINDOW,
        )
        .values(answer_sealed=None)
    )


def _is_bound(code: AuthorizationCode, client: Client, shown: Redemption) -> bool:
    """Say whether client, address, verifier and key are those that the code was given for."""
    if code.client_id != client.id or code.redirect_uri != shown.redirect_uri:
        return False
    if not _VERIFIER.fullmatch(shown.verifier):
        return False
    made = base64.urlsafe_b64encode(sha256(shown.verifier.encode()).digest()).rstrip(b"=")
    if not hmac.compare_digest(made, code.code_challenge.encode()):
        return False
    if code.key_thumbprint is None:
        return True
    return shown.proof is not None and shown.proof.thumbprint == code.key_thumbprint


def _repeat(
    uow: UnitOfWork, deps: OAuthDeps, code: AuthorizationCode, grant: Grant, shown: Redemption
) -> dict[str, Any] | None:
    is_same_key = shown.proof is not None and code.used_with == shown.proof.thumbprint
    is_soon = code.used_at is not None and now() - code.used_at <= REPEAT_WINDOW
    if is_same_key and is_soon and code.answer_sealed and grant.status == GrantStatus.ACTIVE:
        answer: dict[str, Any] = open_json(deps, _TABLE, code.id, code.answer_sealed)
        return answer
    end_grant(uow, grant, "code-reused")
    uow.record(
        CodeReused(
            subject=grant.citizen_id, client_id=grant.client_id, grant_id=grant.id, result="refused"
        )
    )
    return None
