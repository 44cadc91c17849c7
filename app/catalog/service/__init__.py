"""What the catalogue can do: be loaded, be held as a snapshot, be listed and searched."""

from app.catalog.service.availability import Offer, read_offer
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
from app.catalog.service.shelf import CatalogDeps, Shelf
from app.catalog.service.snapshot import Snapshot

__all__ = [
    "CatalogDeps",
    "Offer",
    "Shelf",
    "Snapshot",
    "list_categories",
    "list_departments",
    "list_name",
    "list_services",
    "load_catalogue",
    "read_catalogue",
    "read_department",
    "read_offer",
    "read_service",
]
