"""TLS by settings: a certificate of one's own, and what is refused without one."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jupyter_slml.client import connect
from jupyter_slml.client.gateway import only_this
from jupyter_slml.errors import Invalid, Unauthorized
from jupyter_slml.settings import Workspace
from tests.integration.serving.conftest import CHURN
from tests.integration.serving.stage import DEADLINE, GatewayProcess, StandIn


def signed(subject: str, alternative: x509.GeneralName, issuer: Signed | None = None) -> Signed:
    """A certificate and its key: its own issuer, or signed by another."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.now(datetime.UTC)
    found = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    return Signed(found, key)


class Signed(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def save(self, folder: Path, *issuers: Signed) -> tuple[Path, Path]:
        """Files with the chain and the key."""
        chain, private = folder / "chain.pem", folder / "key.pem"
        chain.write_bytes(b"".join(item.pem for item in (self, *issuers)))
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        private.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, *form))
        return chain, private


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine's own address, and its key."""
    return signed("gateway", x509.IPAddress(ipaddress.ip_address("127.0.0.1"))).save(tmp_path)


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


def test_our_client_trusts_the_gateway_s_own_certificate_and_no_other(place: Workspace, tmp_path: Path) -> None:
    """Whatever name is in it; also when its file was renewed meanwhile. The issuer's other certificates are strangers."""
    authority = signed("authority", x509.DNSName("authority.example"))
    chain, key = signed("ours", x509.DNSName("ours.example"), authority).save(tmp_path, authority)
    changes = {"gateway_certificate": chain, "gateway_key": key, "gateway_host": "0.0.0.0"}
    place.save_settings(place.settings().model_copy(update=changes))
    gateway = GatewayProcess(place)
    gateway.write_routes(churn=CHURN)
    gateway.start()
    client = connect(place.home, start=False)
    try:
        assert StandIn(place, "rep-1").attached.wait(DEADLINE)
        kind, answer = client.endpoints.invoke("churn", b"[[1]]", "application/json")
        assert (kind, answer) == ("application/json", b"[[1]]")
        with pytest.raises(Unauthorized, match="no token of this gateway"):
            client.endpoints.invoke("churn", b"[[1]]", "application/json", token="stolen")
        gateway.stop()
        signed("stranger", x509.DNSName("ours.example"), authority).save(tmp_path, authority)
        context = only_this(json.loads(place.gateway_file().read_text())["certificate"])
        gateway.start()
        with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("127.0.0.1", gateway.port)) as line:
            context.wrap_socket(line)
    finally:
        client.close()
        gateway.kill()


def test_a_certificate_that_cannot_be_used_is_named(place: Workspace, tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("no certificate")
    changes = {"gateway_certificate": tmp_path / "chain.pem", "gateway_key": tmp_path / "chain.pem"}
    place.save_settings(place.settings().model_copy(update=changes))
    command = [sys.executable, "-m", "jupyter_slml.processes.gateway", "--home", str(place.home)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 4 and "chain.pem" in result.stderr and "PEM" in result.stderr
    assert "Traceback" not in result.stderr
    # So that the daemon can tell whoever waits for an endpoint.
    assert "chain.pem" in json.loads(place.gateway_file().read_text())["problem"]
    with pytest.raises(Invalid, match="cannot be used"):
        place.settings().tls()
