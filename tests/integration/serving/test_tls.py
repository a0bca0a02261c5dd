"""TLS by settings: a certificate of one's own, and what is refused without one."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import DEADLINE, GatewayProcess, StandIn


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine's own address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    found = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(found.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


def test_the_gateway_speaks_tls(place: Workspace, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    changes = {"gateway_certificate": chain, "gateway_key": key}
    place.save_settings(place.settings().model_copy(update=changes))
    gateway = GatewayProcess(place)
    gateway.write_routes(churn=CHURN)
    gateway.start()
    try:
        assert StandIn(place, "rep-1").attached.wait(DEADLINE)
        trusting = ssl.create_default_context(cafile=str(chain))
        client = http.client.HTTPSConnection("127.0.0.1", gateway.port, timeout=DEADLINE, context=trusting)
        headers = {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"}
        for number in range(3):
            client.request("POST", "/endpoints/churn/invocations", json.dumps([[number]]), headers)
            answer = client.getresponse()
            assert (answer.status, json.loads(answer.read())) == (200, [[number]])
        # A large body passes in pieces.
        large = b"1" * 5_000_000
        client.request("POST", "/endpoints/churn/invocations", large, headers)
        assert client.getresponse().read() == large
        client.close()
        with gateway.connect() as plain:
            plain.send(gateway.head(3) + b"[1]")
            with pytest.raises((ConnectionError, IndexError, ValueError)):
                plain.answer()
    finally:
        gateway.kill()


def test_a_certificate_that_cannot_be_used_is_named(place: Workspace, tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("no certificate")
    changes = {"gateway_certificate": tmp_path / "chain.pem", "gateway_key": tmp_path / "chain.pem"}
    place.save_settings(place.settings().model_copy(update=changes))
    command = [sys.executable, "-m", "jupyter_slml.processes.gateway", "--home", str(place.home)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 4 and "chain.pem" in result.stderr and "PEM" in result.stderr
    assert "Traceback" not in result.stderr
