"""A certificate as a credential (SD-JWT VC): its holder chooses what of it is shown."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.certificates.errors import KeyProofInvalid
from app.certificates.service.common import CertificatesDeps, check_chosen
from app.certificates.service.read import read_certificate
from app.certificates.service.sd_jwt import make_sd_jwt
from app.certificates.service.seals import keep_seal, list_seal_keys
from app.certificates.service.status_list import status_claim
from app.certificates.values import CertificateView
from app.core import jose
from app.core.clock import city_day, now
from app.core.unit_of_work import UnitOfWork, forbid_open_transaction

TYPE = "dc+sd-jwt"
PROOF_TYPE = "openid4vci-proof+jwt"
_PROOF_MEMBERS = ("alg", "typ", "jwk")
_PROOF_AGE = timedelta(minutes=5)
_AHEAD = timedelta(seconds=10)


def make_credential(
    uow: UnitOfWork,
    deps: CertificatesDeps,
    certificate_id: UUID,
    citizen_id: UUID,
    disclosed: Collection[str],
    key_proof: str | None,
) -> str:
    """Return a citizen's own certificate as a credential that shows what is `disclosed` of it.

    Each call makes another one, with salts of its own. With the proof of a key it belongs to that
    key (`cnf`), and is worth something only to whoever holds it. Raise `FieldNotSelective`,
    `KeyProofInvalid`, or `CertificateNotInForce` unless it is active.
    """
    with uow.phase():
        view = read_certificate(uow, deps, certificate_id, citizen_id)
    check_chosen(view, disclosed)
    key = _proven_key(deps, view, key_proof) if key_proof is not None else None
    forbid_open_transaction("the signature of a credential")
    moment = now()
    plain, selective = _claims(deps, view)
    if key is not None:
        plain["cnf"] = {"jwk": key}
    made = make_sd_jwt(
        plain,
        selective,
        disclosed,
        lambda claims: deps.seal.sign_json(claims, moment, typ=TYPE),
    )
    keep_seal(uow, deps)
    return made


def describe_issuer(uow: UnitOfWork, deps: CertificatesDeps) -> Mapping[str, Any]:
    """Return what verifiers need of us (SD-JWT VC, JWT VC issuer metadata): name and keys."""
    return {"issuer": deps.public_url, "jwks": {"keys": list_seal_keys(uow, deps)}}


def type_url(deps: CertificatesDeps, type_id: str) -> str:
    """Return the name of a type of credentials (`vct`), at which it is described."""
    return f"{deps.public_url}/v1/certificates/types/{type_id}"


def _claims(
    deps: CertificatesDeps, view: CertificateView
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return what everybody is shown, and what the holder has a say in."""
    said = view.fields or {}
    plain: dict[str, Any] = {
        "iss": deps.public_url,
        "vct": type_url(deps, view.type),
        "iat": int(now().timestamp()),
        "status": status_claim(deps, view.place),
        "number": view.number,
        "issuer": dict(view.issuer_title),
    }
    if view.valid_until is not None:
        _, ends = city_day(view.valid_until)
        plain["exp"] = int(ends.timestamp())
        plain["valid_until"] = view.valid_until.isoformat()
    plain |= {f["id"]: said[f["id"]] for f in view.form if not f["selective"]}
    return plain, {f["id"]: said[f["id"]] for f in view.form if f["selective"]}


def _proven_key(deps: CertificatesDeps, view: CertificateView, proof: str) -> Mapping[str, Any]:
    """Return the public key that a proof was made with: for us, for this certificate, just now.

    The form is that of OpenID4VCI (`jwt` proof), with the certificate's id as `nonce`.
    """
    try:
        key = jose.read_unverified(proof).header.get("jwk")
        if not isinstance(key, dict):
            raise jose.JoseInvalid("no key comes with it")  # noqa: TRY301 - one way to refuse
        jose.check_public_key(key)
        claims = jose.verify(proof, [key], types=[PROOF_TYPE], members=_PROOF_MEMBERS).claims
    except jose.JoseInvalid as error:
        raise KeyProofInvalid(f"{error}.") from error
    made, moment = claims.get("iat"), now().timestamp()
    if claims.get("aud") != deps.public_url or claims.get("nonce") != str(view.id):
        raise KeyProofInvalid("`aud` is our address, and `nonce` the certificate's id.")
    if type(made) is not int or not (
        moment - _PROOF_AGE.total_seconds() <= made <= moment + _AHEAD.total_seconds()
    ):
        raise KeyProofInvalid("`iat` is not of the last five minutes.")
    return {name: key[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in key}
