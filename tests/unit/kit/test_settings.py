"""Settings are read once, are documented, and are refused by the name of the variable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from laurel_kit.settings import ServiceSettings, is_loopback, load
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict


class TeaSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="LAUREL_TEA_")
    service: ClassVar[str] = "tea"


URL = "postgresql://tea"
SANDBOX = {"DATABASE_URL": URL, "SANDBOX": "true"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets variables of the tea service."""

    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"LAUREL_TEA_{name}", value)

    return put


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """What is said when the settings are refused."""
    with pytest.raises(SystemExit) as ended:
        load(TeaSettings)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_sandbox_needs_a_database_and_nothing_else(environment: Any) -> None:
    environment(**SANDBOX)
    settings = load(TeaSettings)
    assert settings.database_url == URL
    assert settings.address == "127.0.0.1:50051"
    assert not settings.tls
    assert not settings.guarded


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("PT1M", timedelta(minutes=1)),
    ],
)
def test_spans_are_written_with_their_unit(environment: Any, written: str, span: timedelta) -> None:
    environment(**SANDBOX, READ_TIME_MAX=written)
    assert load(TeaSettings).read_time_max == span


def test_lists_are_separated_by_commas(environment: Any) -> None:
    keys = {"TOKEN_KEY_FILES": "/a.pem, /b.pem", "TOKEN_AUDIENCE": "a", "TOKEN_ISSUER": "i"}
    environment(**SANDBOX, **keys, TOKEN_ALGORITHMS="ES256,EdDSA")
    settings = load(TeaSettings)
    assert settings.token_key_files == (Path("/a.pem"), Path("/b.pem"))
    assert settings.token_algorithms == ("ES256", "EdDSA")
    assert settings.guarded


def test_a_missing_setting_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "LAUREL_TEA_DATABASE_URL: Field required" in refused(capsys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLS_MAX", "many"),
        ("CALLS_MAX", "0"),
        ("READ_TIME_MAX", "soon"),
        ("READ_TIME_MAX", "0s"),
        ("DRAIN_DELAY", "later"),
        ("LOG_LEVEL", "loud"),
        ("SANDBOX", "perhaps"),
        ("TRACE_SAMPLE_BPS", "10001"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    environment: Any, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment(**{**SANDBOX, name: value})
    assert f"LAUREL_TEA_{name}: " in refused(capsys)


def test_every_wrong_setting_is_named_at_once(
    environment: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(**SANDBOX, CALLS_MAX="many", LOG_LEVEL="loud")
    said = refused(capsys)
    assert "LAUREL_TEA_CALLS_MAX" in said
    assert "LAUREL_TEA_LOG_LEVEL" in said


CERTIFICATE = {"TLS_CERTIFICATE_FILE": "/c.pem", "TLS_KEY_FILE": "/k.pem"}
TOKENS = {"TOKEN_KEY_FILES": "/t.pem", "TOKEN_AUDIENCE": "tea", "TOKEN_ISSUER": "us"}
CLIENTS = {"TLS_CLIENT_AUTHORITY_FILE": "/a.pem", "CLIENT_POLICY_FILE": "/p.json"}
ANYWHERE = {"ADDRESS": "0.0.0.0:50051"}


@pytest.mark.parametrize(
    "variables",
    [
        {**CERTIFICATE, **TOKENS},
        {**CERTIFICATE, **CLIENTS},
        {**CERTIFICATE, **CLIENTS, **TOKENS, **ANYWHERE},
        {"SANDBOX": "true", **CERTIFICATE, **ANYWHERE},
        {"SANDBOX": "true", **TOKENS},
        {"ALLOW_INSECURE": "true"},
        {"ALLOW_INSECURE": "true", **ANYWHERE},
        {"ALLOW_INSECURE": "true", "CALLER_TOKEN_FILE": "/t"},
        {"SANDBOX": "true", "CALLER_TOKEN_FILE": "/t", "CALLER_AUTHORITY_FILE": "/a"},
    ],
)
def test_a_safe_combination_starts(environment: Any, variables: dict[str, str]) -> None:
    environment(DATABASE_URL=URL, **variables)
    load(TeaSettings)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "TLS_CERTIFICATE_FILE is required outside sandbox mode"),
        (TOKENS, "TLS_CERTIFICATE_FILE is required outside sandbox mode"),
        (CERTIFICATE, "TOKEN_KEY_FILES or CLIENT_POLICY_FILE is required outside sandbox mode"),
        ({"SANDBOX": "true", **ANYWHERE}, "ADDRESS must be a loopback address"),
        ({"SANDBOX": "true", "ADDRESS": "example.org:1"}, "ADDRESS must be a loopback address"),
        ({"SANDBOX": "true", "ADMIN_ADDRESS": "0.0.0.0:1"}, "ADMIN_ADDRESS must be a loopback"),
        ({"ALLOW_INSECURE": "true", "ADMIN_ADDRESS": "0.0.0.0:1"}, "ADMIN_ADDRESS must be"),
        ({"SANDBOX": "true", "TLS_CERTIFICATE_FILE": "/c"}, "TLS_KEY_FILE is required with"),
        ({"SANDBOX": "true", "TLS_KEY_FILE": "/k"}, "TLS_CERTIFICATE_FILE is required with"),
        ({"SANDBOX": "true", **CLIENTS}, "TLS_CERTIFICATE_FILE is required with"),
        ({"SANDBOX": "true", "CLIENT_POLICY_FILE": "/p"}, "TLS_CLIENT_AUTHORITY_FILE is required"),
        ({"SANDBOX": "true", "TOKEN_KEY_FILES": "/t"}, "TOKEN_AUDIENCE is required with"),
        ({"SANDBOX": "true", **TOKENS, "TOKEN_ISSUER": ""}, "TOKEN_ISSUER is required with"),
        ({"SANDBOX": "true", "CALLER_TOKEN_FILE": "/t"}, "CALLER_AUTHORITY_FILE is required with"),
        ({"SANDBOX": "true", "CALLER_CERTIFICATE_FILE": "/c"}, "CALLER_KEY_FILE is required with"),
    ],
)
def test_an_unsafe_combination_is_refused_by_name(
    environment: Any,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    named: str,
) -> None:
    environment(DATABASE_URL=URL, **variables)
    assert named in refused(capsys)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/run/tea", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("localhost.example:1", False),
        (":1", False),
    ],
)
def test_loopback_is_this_machine_alone(address: str, loopback: bool) -> None:
    assert is_loopback(address) == loopback


def test_settings_do_not_change() -> None:
    settings = TeaSettings(database_url=URL, sandbox=True)
    with pytest.raises(ValidationError):
        settings.calls_max = 1


def test_settings_do_not_tell_their_secrets() -> None:
    secret = "postgresql://tea:secret@host/tea"
    settings = TeaSettings(database_url=secret, migration_url=secret, sandbox=True)
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("name", sorted(ServiceSettings.model_fields))
def test_every_setting_says_what_it_is_for(name: str) -> None:
    assert ServiceSettings.model_fields[name].description
