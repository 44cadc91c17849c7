"""Signatures of PDFs (PAdES): the only pyHanko."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import Certificate
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.core.clock import CITY_TIME


class _Signer(PdfSigner):
    """A signer by business time: the library's own asks the machine's clock."""

    def __init__(self, signer: SimpleSigner, moment: datetime, reason: str) -> None:
        meta = PdfSignatureMetadata(
            field_name="Seal",
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
            reason=reason,
        )
        super().__init__(meta, signer)
        self._moment = moment.astimezone(CITY_TIME).replace(microsecond=0)

    def init_signing_session(self, *args: Any, **options: Any) -> PdfSigningSession:  # noqa: ANN401
        session = super().init_signing_session(*args, **options)
        session.system_time = self._moment
        return session


def sign_pdf(
    pdf: bytes,
    key: EllipticCurvePrivateKey | RSAPrivateKey,
    chain: Sequence[Certificate],
    moment: datetime,
    reason: str,
) -> bytes:
    """Return a PDF certified by a key and its chain: any change afterwards breaks the signature."""
    first, *others = (x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in chain)
    known = SimpleCertificateStore()  # type: ignore[no-untyped-call] # its own types stop here
    known.register_multiple(others)
    raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = SimpleSigner(
        signing_cert=first, signing_key=keys.PrivateKeyInfo.load(raw), cert_registry=known
    )
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    signed: bytes = _Signer(signer, moment, reason).sign_pdf(writer).getvalue()
    return signed
