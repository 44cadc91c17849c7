"""Whether a client holds a key, at the endpoints of the protocol (RFC 9449)."""

from app.core.dpop import DpopInvalid, DpopNonceNeeded, Proof, use_proof, verify_proof
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidDpopProof, UseDpopNonce
from app.oauth.models import Client
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import Profile, ProtocolCall


def prove_possession(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    call: ProtocolCall,
    *,
    is_needed: bool = False,
) -> Proof | None:
    """Return the proof that a call carries, used up; None when it carries none and needs none.

    Raise `InvalidDpopProof`, or `UseDpopNonce` with the nonce to use. Closes a phase.
    """
    if call.proof is None:
        if is_needed:
            raise InvalidDpopProof("A DPoP proof is needed.")
        return None
    try:
        proof = verify_proof(
            call.proof,
            method="POST",
            url=deps.address_of(call.path),
            nonces=deps.nonces,
            needs_nonce=client.needs_nonce,
        )
        with uow.phase():
            use_proof(uow, proof)
    except DpopNonceNeeded as error:
        raise UseDpopNonce(str(error), headers={"DPoP-Nonce": deps.nonces.make()}) from error
    except DpopInvalid as error:
        raise InvalidDpopProof(str(error)) from error
    return proof


def needs_possession(client: Client) -> bool:
    """Say whether a client's tokens have to be bound to a key."""
    return client.profile == Profile.FAPI
