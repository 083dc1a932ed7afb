"""A Kafka with TLS, and SCRAM passwords or mutual TLS, a certificate of each kind on a port of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.embedded import ports
from services.embedded.kafka import KafkaServer

USER, PASSWORD = "tierlink", "made-for-this-test-alone"


class Authority:
    """Signs certificates for 127.0.0.1, for the time of a test."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _begun(self._name, self._name, self._key.public_key(), days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=True,
                    crl_sign=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        #: its own certificate, PEM: what clients are given
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, days: int) -> Path:
        """A server's key and certificate in one PEM file, valid for so many days; expired when negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _begun(subject, self._name, key.public_key(), days=days)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(ports.LOOPBACK))]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        path = self._folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return path


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
    )


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A port that speaks TLS."""

    #: what it shows
    certificate: Path
    #: who must have signed what clients show; None asks them for user and password
    clients_by: Path | None = None


class SecureKafka(KafkaServer):
    """A broker with these listeners, by name, beside the plain one of its own."""

    def __init__(self, folder: Path, listeners: Mapping[str, Listener]) -> None:
        super().__init__(folder)
        self._listeners = listeners
        taken: tuple[int, ...] = ()
        self._ports: dict[str, int] = {}
        for name in listeners:
            self._ports[name] = ports.free_port(excluded=taken)
            taken += (self._ports[name],)

    def secure(self, name: str) -> str:
        """The address of the listener of this name."""
        return f"{ports.LOOPBACK}:{self._ports[name]}"

    def _format_options(self) -> tuple[str, ...]:
        return ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")

    def _write_settings(self, name: str, *, port: int, controller_port: int, data: str) -> None:
        super()._write_settings(name, port=port, controller_port=controller_port, data=data)
        path = self.folder / name
        settings = dict(line.split("=", 1) for line in path.read_text("ascii").splitlines())
        for each, listener in self._listeners.items():
            name = each.upper()
            address = f",{name}://{self.secure(each)}"
            settings["listeners"] += address
            settings["advertised.listeners"] += address
            protocol = "SASL_SSL" if listener.clients_by is None else "SSL"
            settings["listener.security.protocol.map"] += f",{name}:{protocol}"
            prefix = f"listener.name.{each}"
            settings |= {
                f"{prefix}.ssl.keystore.type": "PEM",
                f"{prefix}.ssl.keystore.location": str(listener.certificate),
                **{f"{prefix}.{key}": value for key, value in _asked_of_clients(listener).items()},
            }
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), "ascii")


def _asked_of_clients(listener: Listener) -> Mapping[str, str]:
    if listener.clients_by is None:
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "scram-sha-512.sasl.jaas.config": f"{module} required;",
        }
    return {
        "ssl.client.auth": "required",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(listener.clients_by),
    }
