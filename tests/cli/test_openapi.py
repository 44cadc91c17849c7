"""The API's document as the command line writes it."""

from pathlib import Path

from app import cli
from app.factory import Rooms, create_app
from config.settings import Settings


def test_openapi_writes_and_checks(settings: Settings, rooms: Rooms, tmp_path: Path) -> None:
    application = create_app(settings, rooms)
    cli.register(application, settings, rooms)
    runner = application.test_cli_runner()
    path = str(tmp_path / "openapi.yaml")
    assert runner.invoke(args=["openapi", "--check", "--file", path]).exit_code == 1
    assert runner.invoke(args=["openapi", "--file", path]).exit_code == 0
    assert runner.invoke(args=["openapi", "--check", "--file", path]).exit_code == 0
    Path(path).write_text("stale", encoding="utf-8")
    assert runner.invoke(args=["openapi", "--check", "--file", path]).exit_code == 1
