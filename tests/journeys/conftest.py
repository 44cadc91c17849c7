"""The house that the tests of one file share."""

import re
from collections.abc import Iterator

import pytest

from sandbox.servers import temporary_data_dir
from tests.host.plugins import MANIFEST, write_plugin
from tests.journeys.house import ROOT, House, run_house

VERIFIED_SERVICE = "deposits-fee"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Run the product with its plug-ins and one more, which only a verified citizen may pay."""
    with temporary_data_dir() as plugins:
        for manifest in (ROOT / "plugins").glob("*/manifest.toml"):
            (plugins / manifest.parent.name).symlink_to(manifest.parent)
        guarded = re.sub('assurance = "basic"', 'assurance = "verified"', MANIFEST)
        write_plugin(plugins, "deposits", manifest=guarded.format(name="deposits"), routes="")
        with run_house(PLUGINS_DIR=str(plugins)) as running:
            yield running
