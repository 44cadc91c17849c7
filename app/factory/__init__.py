"""Makes the house: the only package that sees every room and hands each its collaborators."""

from app.factory.build import build
from app.factory.rooms import Rooms, StartRefused
from app.factory.web import create_app

__all__ = ["Rooms", "StartRefused", "build", "create_app"]
