"""Badges of the conformance kit: canary and live need a valid one in production."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.providers.errors import BadgeInvalid, BadgeNeeded
from app.providers.events import BadgeRecorded
from app.providers.models import Provider, ProviderBadge, ProviderManifest
from app.providers.service.common import ProviderDeps, lock_remote
from app.providers.values import BadgeView
from app.sdk.conformance.badge import BadgeRefused, read_badge
from app.sdk.wire import CONTRACT


def record_badge(uow: UnitOfWork, deps: ProviderDeps, name: str, token: str) -> BadgeView:
    """Keep a badge that this house has signed for a manifest of a provider; once, however often.

    Raise `ProviderNotFound`, `ProviderLeaving` or `BadgeInvalid`.
    """
    provider = lock_remote(uow, name)
    try:
        badge = read_badge(token, [deps.city.public_jwk])
    except BadgeRefused as error:
        raise BadgeInvalid(str(error)) from error
    if (badge.issuer, badge.provider) != (deps.city.issuer, name) or badge.contract != CONTRACT:
        raise BadgeInvalid("It is another house's, another provider's, or of another contract.")
    submitted = select(ProviderManifest.number).where(
        ProviderManifest.provider_id == provider.id, ProviderManifest.digest == badge.manifest
    )
    if uow.scalar(submitted) is None:
        raise BadgeInvalid("It is about a manifest that this provider has not submitted.")
    made = uow.scalar(
        insert(ProviderBadge)
        .values(
            id=new_id(),
            provider_id=provider.id,
            manifest_digest=badge.manifest,
            contract=badge.contract,
            duties=list(badge.duties),
            jws=token,
            issued_at=badge.issued_at,
            expires_at=badge.expires_at,
            recorded_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(ProviderBadge.id)
    )
    if made is not None:
        uow.record(BadgeRecorded(provider_id=provider.id, provider=name, badge_id=made))
    return view_badge(uow.scalars(select(ProviderBadge).where(ProviderBadge.jws == token)).one())


def valid_badge(uow: UnitOfWork, provider: Provider, digest: str) -> ProviderBadge | None:
    """Return the badge of a manifest that is valid longest, or None when there is none now."""
    return uow.scalar(
        select(ProviderBadge)
        .where(
            ProviderBadge.provider_id == provider.id,
            ProviderBadge.manifest_digest == digest,
            ProviderBadge.expires_at > now(),
        )
        .order_by(ProviderBadge.expires_at.desc(), ProviderBadge.id)
        .limit(1)
    )


def check_badge(uow: UnitOfWork, deps: ProviderDeps, provider: Provider, digest: str) -> None:
    """Raise `BadgeNeeded` where a manifest must have proven itself and has not."""
    if deps.needs_badge and valid_badge(uow, provider, digest) is None:
        raise BadgeNeeded(manifest_hash=digest)


def view_badge(row: ProviderBadge) -> BadgeView:
    """Return a badge as it is shown."""
    return BadgeView(
        id=row.id,
        manifest_hash=row.manifest_digest,
        contract=row.contract,
        duties=row.duties,
        badge=row.jws,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
