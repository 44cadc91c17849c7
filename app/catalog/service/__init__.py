"""What the catalogue can do: be loaded, held as a snapshot, listed, searched, and used."""

from app.catalog.service.availability import Offer, read_offer
from app.catalog.service.favourites import (
    add_favourite,
    list_favourites,
    order_favourites,
    remove_favourite,
)
from app.catalog.service.files import read_catalogue
from app.catalog.service.listing import (
    list_categories,
    list_departments,
    list_name,
    list_services,
    read_department,
    read_service,
)
from app.catalog.service.loading import load_catalogue
from app.catalog.service.popularity import rank_services
from app.catalog.service.recent import (
    clear_recent,
    keep_recent,
    keeps_recent,
    list_recent,
    note_payment,
    note_use,
)
from app.catalog.service.shelf import CatalogDeps, Shelf
from app.catalog.service.snapshot import Snapshot
from app.catalog.service.versions import compare_versions, list_versions, read_version

__all__ = [
    "CatalogDeps",
    "Offer",
    "Shelf",
    "Snapshot",
    "add_favourite",
    "clear_recent",
    "compare_versions",
    "keep_recent",
    "keeps_recent",
    "list_categories",
    "list_departments",
    "list_favourites",
    "list_name",
    "list_recent",
    "list_services",
    "list_versions",
    "load_catalogue",
    "note_payment",
    "note_use",
    "order_favourites",
    "rank_services",
    "read_catalogue",
    "read_department",
    "read_offer",
    "read_service",
    "read_version",
    "remove_favourite",
]
