"""Ed25519 signatures of manifests (RFC 8032), with a key that never leaves the installation."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State, write_bytes

PRIVATE_KEY, PUBLIC_KEY = "release_ed25519.pem", "release_ed25519.pub.pem"
KEY_ENVIRONMENT = "GRIDROLL_SIGNING_KEY"


def signing_key(state: State) -> Ed25519PrivateKey:
    """The installation's key: the file named by GRIDROLL_SIGNING_KEY, else ``state/keys``, made on first use (mode 0600)."""
    named = os.environ.get(KEY_ENVIRONMENT)
    path = Path(named) if named else state.keys / PRIVATE_KEY
    if not path.exists():
        if named:
            raise ConfigurationError(f"The signing key {path} does not exist.", remedy=f"Correct {KEY_ENVIRONMENT}.")
        _make_key(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"{path} is not an Ed25519 key.", remedy="Give a PEM file with an Ed25519 private key."
        )
    return key


def _make_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    old_mask = os.umask(0o077)
    try:
        write_bytes(
            path,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
    finally:
        os.umask(old_mask)
    write_bytes(path.with_name(PUBLIC_KEY), public_pem(key))


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public half, to hand to whoever verifies."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_signed(data: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether ``signature`` is the key's signature of ``data``."""
    key = serialization.load_pem_public_key(public_key)
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
