"""A token that is bound to a key is worth something only with that key (RFC 9449, section 7)."""

from dataclasses import dataclass

from flask import Request

from app.core import dpop
from app.core.errors import Unauthenticated
from app.core.jose import ALGORITHMS
from app.core.tokens import Principal, TokenInvalid
from app.core.unit_of_work import Units

_ALGORITHMS = f'algs="{" ".join(ALGORITHMS)}"'


class ProofInvalid(Unauthenticated):
    """The token is bound to a key, and the call does not prove possession of that key."""

    code = "dpop-proof-invalid"
    title_zh = "无法证明持有该令牌的密钥"
    title_en = "The call does not prove possession of the token's key"

    def __init__(self, detail: str = "", nonce: str | None = None) -> None:
        error = "invalid_dpop_proof" if nonce is None else "use_dpop_nonce"
        super().__init__(detail, challenge=_challenge(error))
        self.headers = {} if nonce is None else {"DPoP-Nonce": nonce}


@dataclass(frozen=True, slots=True)
class Presented:
    """The token of a call, and whether it comes with a claim to hold its key."""

    token: str
    is_bound: bool


def read_token(req: Request) -> Presented:
    """Return the token of a call; raise `Unauthenticated` when there is none."""
    scheme, _, token = req.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "dpop"} or not token:
        raise Unauthenticated
    return Presented(token.strip(), is_bound=scheme.lower() == "dpop")


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """Checks proofs for the API at one public address, and remembers each once."""

    units: Units
    public_url: str
    nonces: dpop.Nonces

    def check(self, req: Request, presented: Presented, who: Principal) -> None:
        """Raise unless a bound token comes with a fresh proof of its own key, and no other does.

        A bound token under `Bearer` is refused whatever else the call carries, and so is a token
        without a key under `DPoP`: neither scheme stands in for the other.
        """
        if who.key_thumbprint is None:
            if presented.is_bound:
                raise TokenInvalid("The token is bound to no key.", challenge=_challenge())
            return
        if not presented.is_bound:
            raise TokenInvalid("The token is bound to a key.", challenge=_challenge())
        headers = req.headers.getlist("DPoP")
        if len(headers) != 1:
            raise ProofInvalid("One proof is needed.")
        try:
            proof = dpop.verify_proof(
                headers[0],
                method=req.method,
                url=self.public_url + req.path,
                access_token=presented.token,
                nonces=self.nonces,
            )
            if proof.thumbprint != who.key_thumbprint:
                raise ProofInvalid("The proof was made with another key.")
            with self.units.open(actor="door") as uow:
                dpop.use_proof(uow, proof)
        except dpop.DpopNonceNeeded as error:
            raise ProofInvalid(str(error), self.nonces.make()) from error
        except dpop.DpopInvalid as error:
            raise ProofInvalid(str(error)) from error


def _challenge(error: str = "invalid_token") -> str:
    return f'DPoP realm="wudang", error="{error}", {_ALGORITHMS}'
