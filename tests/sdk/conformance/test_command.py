"""The command tries a provider from outside, says what it saw, and ends with its status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.sdk.conformance import badge, run
from config.settings import ROOT
from tests.sdk.conformance.company import ISSUER, REFERENCES, Company, Edit, open_company


def command(
    company: Company, folder: Path, *more: str, name: str = "parking"
) -> subprocess.CompletedProcess[str]:
    """Run the command as the city does."""
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(company.trial.manifest), encoding="utf-8")
    pem = company.trial.caller.city.signer.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    named = [word for reference in REFERENCES for word in ("--reference", reference)]
    return subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "app.sdk.conformance", company.url, "--name", name),
            *("--manifest", str(manifest), *named, *more),
        ],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "PUBLIC_URL": ISSUER,
            # In one line, as files of variables have it.
            "PROVIDER_SIGNING_KEY": pem.decode().replace("\n", "\\n"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_who_keeps_every_duty_gets_a_badge(tmp_path: Path) -> None:
    file = tmp_path / "badge"
    with open_company(tmp_path) as company:
        done = command(company, tmp_path, "--badge", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(run.DUTIES)} duties: {len(run.DUTIES)} kept, 0 broken" in done.stdout
    signer = company.trial.caller.city.signer
    public = {n: v for n, v in badge.private_jwk(signer.key).items() if n != "d"}
    made = badge.read_badge(file.read_text().strip(), [{**public, "kid": signer.key_id}])
    assert (made.issuer, made.provider, made.contract) == (ISSUER, "parking", 1)
    assert made.manifest == badge.hash_manifest(company.trial.manifest)
    assert list(made.duties) == [duty.id for duty in run.DUTIES]
    for secret in ("PRIVATE KEY", "eyJ"):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "edit",
    [
        ("service.py", '"payee": PAYEE', '"payee": "cousin"'),
        ("service.py", '{"status": "ok"}', '{"status": "ill"}'),
    ],
)
def test_who_breaks_one_gets_none_and_reads_why(tmp_path: Path, edit: Edit) -> None:
    file = tmp_path / "badge"
    with open_company(tmp_path, edit) as company:
        done = command(company, tmp_path, "--badge", str(file))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert "cure:" in done.stdout
    assert not file.exists()


def test_a_manifest_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with open_company(tmp_path) as company:
        done = command(company, tmp_path, name="another")
    assert done.returncode == 2
    assert "is the manifest of 'parking'" in done.stderr
    assert company.paid() == []
