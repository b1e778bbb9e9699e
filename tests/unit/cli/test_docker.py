"""The compose file says what services and PostgreSQL understand."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

DOCKER = Path(__file__).resolve().parents[3] / "docker"
COMPOSE = YAML(typ="safe").load((DOCKER / "compose.yaml").read_text())
SERVICES = ("ledger", "scoring", "benefits")


def written_variables() -> set[str]:
    """Every variable that .env gives a value."""
    lines = (DOCKER / ".env").read_text().splitlines()
    return {line.partition("=")[0] for line in lines if line and not line.startswith("#")}


def test_every_service_waits_for_its_migration_and_is_watched() -> None:
    for name in SERVICES:
        service = COMPOSE["services"][name]
        waited = service["depends_on"][f"{name}-migration"]
        assert waited["condition"] == "service_completed_successfully"
        assert "health" in service["healthcheck"]["test"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert COMPOSE["services"]["postgres"]["image"] == "postgres:18"


def test_every_variable_of_the_compose_file_has_a_value() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", (DOCKER / "compose.yaml").read_text()))
    assert used == written_variables()


def test_the_databases_are_made_with_the_passwords_the_services_use() -> None:
    told = set(COMPOSE["services"]["postgres"]["environment"])
    asked = set(re.findall(r"\\getenv \w+ (\w+)", (DOCKER / "postgres/init.sql").read_text()))
    assert asked <= told


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_understands_every_setting_it_is_given(name: str) -> None:
    settings = getattr(import_module(f"laurel_{name}.config"), f"{name.capitalize()}Settings")
    prefix = f"LAUREL_{name.upper()}_"
    known = {f"{prefix}{field.upper()}" for field in settings.model_fields}
    for each in (name, f"{name}-migration"):
        assert set(COMPOSE["services"][each]["environment"]) <= known


def test_the_image_is_built_from_a_lock_and_runs_as_nobody_of_note() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    assert text.count("FROM ") == 2
