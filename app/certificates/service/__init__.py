"""What can be done with certificates: one file for each use case, one list of names."""

from app.certificates.service.change import change_certificate, expire_certificates
from app.certificates.service.common import CertificatesDeps, VaultOf
from app.certificates.service.credential import TYPE as CREDENTIAL
from app.certificates.service.credential import describe_issuer, make_credential
from app.certificates.service.documents import sign_document
from app.certificates.service.find import find_certificates
from app.certificates.service.issue import issue_certificate
from app.certificates.service.presentations import (
    Offer,
    expire_presentations,
    list_presentations,
    offer_presentation,
    redeem_presentation,
)
from app.certificates.service.read import (
    describe_certificate,
    list_certificates,
    read_certificate,
)
from app.certificates.service.status_list import STATUS_SECONDS, sign_status_list
from app.certificates.service.types import describe_type
from app.certificates.service.validity import check_validity

__all__ = [
    "CREDENTIAL",
    "STATUS_SECONDS",
    "CertificatesDeps",
    "Offer",
    "VaultOf",
    "change_certificate",
    "check_validity",
    "describe_certificate",
    "describe_issuer",
    "describe_type",
    "expire_certificates",
    "expire_presentations",
    "find_certificates",
    "issue_certificate",
    "list_certificates",
    "list_presentations",
    "make_credential",
    "offer_presentation",
    "read_certificate",
    "redeem_presentation",
    "sign_document",
    "sign_status_list",
]
