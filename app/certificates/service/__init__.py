"""What can be done with certificates: one file for each use case, one list of names."""

from app.certificates.service.change import change_certificate, expire_certificates
from app.certificates.service.common import VaultOf
from app.certificates.service.find import find_certificates
from app.certificates.service.issue import issue_certificate
from app.certificates.service.numbers import identifier_of, is_number, make_number

__all__ = [
    "VaultOf",
    "change_certificate",
    "expire_certificates",
    "find_certificates",
    "identifier_of",
    "is_number",
    "issue_certificate",
    "make_number",
]
