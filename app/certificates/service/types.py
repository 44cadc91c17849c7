"""Types of certificates, as verifiers and wallets read of them."""

from collections.abc import Mapping
from typing import Any

from app.certificates.service.common import CertificatesDeps
from app.certificates.service.credential import type_url
from app.core.errors import NotFound

_LANGUAGES = {"zh": "zh-CN", "en": "en"}


def describe_type(deps: CertificatesDeps, type_id: str) -> Mapping[str, Any]:
    """Return the metadata of a type (SD-JWT VC, type metadata), or raise `NotFound`.

    `sd` says of each claim whether a credential may hold it back.
    """
    kind = deps.types.get(type_id)
    if kind is None:
        raise NotFound
    return {
        "vct": type_url(deps, kind.id),
        "name": kind.title["en"],
        "display": _display(kind.title),
        "claims": [
            {
                "path": [field.id],
                "display": _display(field.title),
                "sd": "always" if field.selective else "never",
            }
            for field in kind.fields
        ],
    }


def _display(title: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"locale": locale, "lang": locale, "name": title[key], "label": title[key]}
        for key, locale in _LANGUAGES.items()
    ]
