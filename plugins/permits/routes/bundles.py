"""`/v1/permits/bundles`: what can be asked for at once, and how it is done."""

from typing import Any

from flask import Response
from flask.views import MethodView

from app.sdk import Page
from plugins.permits import service
from plugins.permits.routes.common import blueprint
from plugins.permits.schemas.bundles import (
    PermitBundleArgs,
    PermitBundleLineSchema,
    PermitBundleSchema,
)
from plugins.permits.values.bundles import Bundle

_BPMN = {"application/xml": {"schema": {"type": "string"}}}


@blueprint.route("/bundles")
class PermitBundles(MethodView):
    """What can be asked for at once."""

    @blueprint.public
    @blueprint.page(PermitBundleLineSchema)
    def get(self) -> Page[Bundle]:
        """List the bundles of permits."""
        return Page(service.list_bundles())


@blueprint.route("/bundles/<slug:bundle_id>")
class OnePermitBundle(MethodView):
    """One thing with all that belongs to it."""

    @blueprint.public
    @blueprint.arguments(PermitBundleArgs, location="query")
    @blueprint.response(200, PermitBundleSchema)
    def get(self, query: dict[str, Any], bundle_id: str) -> Bundle:
        """Read a bundle of permits with its form."""
        return service.find_bundle(bundle_id, **query)


@blueprint.route("/bundles/<slug:bundle_id>/bpmn")
class PermitBundleBpmn(MethodView):
    """How a bundle is done, for other engines."""

    @blueprint.public
    @blueprint.sheddable
    @blueprint.arguments(PermitBundleArgs, location="query")
    @blueprint.doc(responses={"200": {"description": "BPMN 2.0 (ISO/IEC 19510)", "content": _BPMN}})
    def get(self, query: dict[str, Any], bundle_id: str) -> Response:
        """Fetch a bundle of permits as BPMN."""
        content = service.export_bpmn(bundle_id, **query)
        headers = {"Content-Disposition": f'attachment; filename="{bundle_id}.bpmn"'}
        return Response(content, headers=headers, content_type="application/xml; charset=utf-8")
