"""The server's side of TLS, with certificates that may be renewed while it runs."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

import grpc

from laurel_kit.files import Watched
from laurel_kit.settings import ServiceSettings

Configuration = grpc.ServerCertificateConfiguration


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials:
    """TLS as the settings say. The files are looked at at each handshake, so a renewed
    certificate or a changed list of authorities counts for the next connection; open ones stay
    as they are.
    """
    key, certificate = settings.tls_key_file, settings.tls_certificate_file
    assert key is not None, "settings without a key are refused at start-up"
    assert certificate is not None, "settings without a certificate are refused at start-up"
    authority = settings.tls_client_authority_file
    files = Watched([key, certificate, *([authority] if authority else [])], read_configuration)
    sent: list[Configuration] = [files.value()]

    def fetch() -> Configuration | None:
        """The configuration when it is another one than before, None to go on with that."""
        latest = files.value()
        if latest is sent[0]:
            return None
        sent[0] = latest
        return latest

    return grpc.dynamic_ssl_server_credentials(
        sent[0],
        fetch,  # type: ignore[arg-type]  # None is allowed, the stubs do not know it.
        require_client_authentication=authority is not None,
    )


def read_configuration(paths: Sequence[Path]) -> Configuration:
    """Key, certificate chain and, where given, the authorities of clients.

    Raises ssl.SSLError (an OSError) when key and certificate do not belong together.
    """
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile=paths[1], keyfile=paths[0])
    key, certificate, *authority = (path.read_bytes() for path in paths)
    roots = authority[0] if authority else None
    return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=roots)
