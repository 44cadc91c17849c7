"""Certificates over HTTP: anybody checks one, a citizen reads their own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.certificates import service
from app.certificates.schemas import (
    CertificateSchema,
    CertificateSummarySchema,
    CertificateValidityArgs,
    CertificateValiditySchema,
    CredentialIssuerSchema,
    CredentialRequestSchema,
    CredentialSchema,
    CredentialTypeSchema,
    PresentationOfferSchema,
    PresentationRequestSchema,
    PresentationSchema,
    PresentationTokenSchema,
    ShownCertificateSchema,
)
from app.certificates.service import CertificatesDeps
from app.certificates.values import CertificateView, PresentationView, Shown, Validity
from app.core.pagination import Page
from app.http.blueprint import Blueprint
from app.http.context import deps, principal, unit
from app.http.pagination import PageArgs

mine = Blueprint("my-certificates", __name__, description="The certificates that I hold")
certificates = Blueprint(
    "certificates", __name__, description="Proof that a certificate is genuine and in force"
)
well_known = Blueprint("credential-issuer", __name__, description="Who signs credentials")

PDF_TYPE = "application/pdf"
LIST_TYPE = "application/statuslist+jwt"
BINARY = {"type": "string", "format": "binary"}
VERIFY = "certificates.verify"


@certificates.route("/<kid:number>/validity")
class CertificateValidity(MethodView):
    """Whether a certificate is in force."""

    @certificates.public
    @certificates.rate("30/minute")
    @certificates.arguments(CertificateValidityArgs, location="query")
    @certificates.response(200, CertificateValiditySchema)
    def get(self, wanted: dict[str, Any], number: str) -> Validity:
        """Check a certificate."""
        return service.check_validity(unit(), deps(CertificatesDeps), number, wanted["code"])


@mine.route("")
class MyCertificates(MethodView):
    """What a citizen holds."""

    @mine.arguments(PageArgs, location="query")
    @mine.page(CertificateSummarySchema)
    def get(self, wanted: dict[str, Any]) -> Page[CertificateView]:
        """List my certificates."""
        room = deps(CertificatesDeps)
        return service.list_certificates(unit(), room, principal().id, wanted["page"])


@mine.route("/<uuid:certificate_id>")
class OneCertificate(MethodView):
    """One certificate."""

    @mine.response(200, CertificateSchema)
    def get(self, certificate_id: UUID) -> Mapping[str, Any]:
        """Read my certificate."""
        room = deps(CertificatesDeps)
        view = service.read_certificate(unit(), room, certificate_id, principal().id)
        return service.describe_certificate(room, view)


@mine.route("/<uuid:certificate_id>/pdf")
class CertificateDocument(MethodView):
    """One certificate on paper."""

    @mine.rate("30/minute")
    @mine.problems(409)
    @mine.response(200, BINARY, content_type=PDF_TYPE)
    def get(self, certificate_id: UUID) -> Response:
        """Print my certificate."""
        room = deps(CertificatesDeps)
        content = service.sign_document(unit(), room, certificate_id, principal().id)
        return Response(content, mimetype=PDF_TYPE)


@mine.route("/<uuid:certificate_id>/credential")
class CertificateCredential(MethodView):
    """One certificate for a wallet."""

    @mine.rate("30/minute")
    @mine.arguments(CredentialRequestSchema)
    @mine.response(200, CredentialSchema)
    def post(self, wanted: dict[str, Any], certificate_id: UUID) -> dict[str, str]:
        """Take my certificate along as a credential."""
        made = service.make_credential(
            unit(),
            deps(CertificatesDeps),
            certificate_id,
            principal().id,
            wanted["disclose"],
            wanted["key_proof"],
        )
        return {"format": service.CREDENTIAL, "credential": made}


@mine.route("/<uuid:certificate_id>/presentations")
class CertificatePresentations(MethodView):
    """When one certificate is shown."""

    @mine.arguments(PageArgs, location="query")
    @mine.page(PresentationSchema)
    def get(self, wanted: dict[str, Any], certificate_id: UUID) -> Page[PresentationView]:
        """List when my certificate was shown."""
        room = deps(CertificatesDeps)
        page, who = wanted["page"], principal().id
        return service.list_presentations(unit(), room, certificate_id, who, page)

    @mine.rate("30/minute")
    @mine.arguments(PresentationRequestSchema)
    @mine.response(201, PresentationOfferSchema)
    def post(self, wanted: dict[str, Any], certificate_id: UUID) -> service.Offer:
        """Make a code that shows my certificate once."""
        return service.offer_presentation(
            unit(),
            deps(CertificatesDeps),
            certificate_id,
            principal().id,
            wanted["attributes"],
            wanted["purpose"],
        )


@certificates.route("/presentations")
class RedeemedPresentations(MethodView):
    """What holders show to verifiers."""

    @certificates.integrator(VERIFY)
    @certificates.arguments(PresentationTokenSchema)
    @certificates.response(200, ShownCertificateSchema)
    def post(self, wanted: dict[str, str]) -> Shown:
        """Redeem the code of a holder."""
        room = deps(CertificatesDeps)
        return service.redeem_presentation(unit(), room, principal().id, wanted["token"])


@certificates.route("/status-lists/<slug:number>")
class StatusList(MethodView):
    """How a hundred thousand certificates stand."""

    @certificates.public
    @certificates.rate("120/minute")
    @certificates.response(200, BINARY, content_type=LIST_TYPE)
    def get(self, number: str) -> Response:
        """Read a status list."""
        token = service.sign_status_list(unit(), deps(CertificatesDeps), number)
        answer = Response(token, mimetype=LIST_TYPE)
        answer.cache_control.public = True
        answer.cache_control.max_age = service.STATUS_SECONDS
        return answer


@certificates.route("/types/<slug:name>")
class CredentialType(MethodView):
    """A type of credentials."""

    @certificates.public
    @certificates.response(200, CredentialTypeSchema)
    def get(self, name: str) -> Mapping[str, Any]:
        """Read a type of certificates."""
        return service.describe_type(deps(CertificatesDeps), name)


@well_known.route("/.well-known/jwt-vc-issuer")
class CredentialIssuer(MethodView):
    """Metadata of the issuer of credentials."""

    @well_known.public
    @well_known.response(200, CredentialIssuerSchema)
    def get(self) -> Mapping[str, Any]:
        """Read who signs credentials and with which keys."""
        return service.describe_issuer(unit(), deps(CertificatesDeps))
