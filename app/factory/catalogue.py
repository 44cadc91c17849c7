"""The one loading of the catalogue: the configured files, plug-ins, and remote providers."""

from collections.abc import Iterator

from app.catalog import service as catalog
from app.catalog.values import LoadReport, Source
from app.core.unit_of_work import UnitOfWork
from app.host.hosted import Hosted
from app.host.remotes import manifest_of
from app.providers import service as providers
from config.settings import ROOT


def load_catalogue(uow: UnitOfWork, hosted: Hosted) -> LoadReport:
    """Make the files, the manifests and the roster of this unit the catalogue that is served.

    Idempotent. Raise `CatalogueInvalid` with every fault of our own files.
    """
    sources = [*_plugins(hosted), *_remote(uow)]
    return catalog.load_catalogue(uow, catalog.read_catalogue(ROOT / "config", sources))


def _plugins(hosted: Hosted) -> Iterator[Source]:
    for manifest in hosted.manifests.values():
        yield Source(manifest.file, manifest.catalogue, is_plugin=True)
    # Of a manifest nobody can read, the catalogue keeps what it has.
    for file, ids in hosted.unreadable.items():
        known = {"services": [{"id": own} for own in sorted(ids)]}
        yield Source(file, known, is_plugin=True)


def _remote(uow: UnitOfWork) -> Iterator[Source]:
    _, roster = providers.read_roster(uow)
    for entry in roster:
        if entry.manifest is not None and entry.is_published:
            shown = manifest_of(entry.name, entry.manifest).catalogue
            yield Source(providers.source_of(entry.name), shown, is_plugin=True)
