"""`chengda database` on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.cli import app
from connectors.database_commands import NoDatabase

RUN = CliRunner()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_versions_up_and_down(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite = kind == "sqlite"
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}" if sqlite else request.getfixturevalue("postgres_url")
    monkeypatch.setenv("CHENGDA_DATABASE_URL", url)
    for words, told in (
        (("version",), "none"),
        (("upgrade", "0002"), "0002"),
        (("upgrade",), "0006"),
        (("downgrade", "0002", "--yes"), "0002"),
        (("version",), "0002"),
        (("downgrade", "base", "--yes"), "none"),
    ):
        done = RUN.invoke(app, ["database", *words])
        assert (done.exit_code, done.stdout.strip().splitlines()[-1]) == (0, told), done.output
    assert RUN.invoke(app, ["database", "downgrade", "base"], input="n\n").exit_code == 1


def test_no_server_is_told_without_the_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHENGDA_DATABASE_URL", f"postgresql://me:secret@/none?host={tmp_path}")
    done = RUN.invoke(app, ["database", "version"])
    assert isinstance(done.exception, NoDatabase)
    assert "secret" not in str(done.exception)
