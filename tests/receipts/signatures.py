"""Others' eyes on a signed receipt: pyHanko's validator, Poppler's, and a JOSE library."""

import subprocess
from io import BytesIO
from pathlib import Path

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext


def authority_of(chain: str) -> x509.Certificate:
    """Return the last certificate of a chain, which whoever verifies has decided to believe."""
    found = [der for _, _, der in pem.unarmor(chain.encode(), multiple=True)]
    return x509.Certificate.load(found[-1])


def look(pdf: bytes, chain: str) -> PdfSignatureStatus:
    """Return what pyHanko says of the only signature of a PDF."""
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    context = ValidationContext(trust_roots=[authority_of(chain)], allow_fetching=False)
    return validate_pdf_signature(signature, context)


def is_genuine(pdf: bytes, chain: str) -> bool:
    """Say whether a PDF is, for pyHanko, exactly what somebody of this authority has signed."""
    try:
        status = look(pdf, chain)
    except Exception:  # noqa: BLE001 - a broken file raises whatever its break leads to
        return False
    return bool(status.bottom_line) and status.coverage == SignatureCoverageLevel.ENTIRE_FILE


def pdftotext(pdf: bytes, folder: Path) -> str:
    """Return the words that Poppler reads in a PDF."""
    file = folder / "words.pdf"
    file.write_bytes(pdf)
    return subprocess.run(  # noqa: S603 - a fixed program and our own file
        ["pdftotext", str(file), "-"],  # noqa: S607 - found on the path, as tests.outside did
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def pdfsig(pdf: bytes, folder: Path) -> str:
    """Return what Poppler's pdfsig says of a PDF."""
    file = folder / "receipt.pdf"
    file.write_bytes(pdf)
    answer = subprocess.run(  # noqa: S603 - a fixed program and our own file
        ["pdfsig", "-nocert", str(file)],  # noqa: S607 - found on the path, as tests.outside did
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout
