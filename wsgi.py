"""The web application: settings, factory, commands."""

import gc

gc.disable()  # what a start makes stays: to look for garbage in it is a third of a start

import os

from app import cli
from app.core import logs
from app.factory import build, create_app
from config.settings import Settings

settings = Settings.from_env(os.environ)
logs.configure(settings.log_level)
rooms = build(settings)
app = create_app(settings, rooms)
cli.register(app, settings, rooms)
if not cli.is_running():
    rooms.check_start()

gc.freeze()
gc.enable()
