"""Ed25519 signatures of manifests (RFC 8032), with a key that never leaves the installation.

The public half is pinned in ``state/keys/`` at the first signature. Every ``*.pub.pem`` there is trusted, so that releases
signed before a change of keys still verify.
"""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State, write_bytes

PRIVATE_KEY, PINNED_KEY = "release_ed25519.pem", "release_ed25519.pub.pem"
TRUSTED_KEYS = "*.pub.pem"
KEY_ENVIRONMENT = "GRIDROLL_SIGNING_KEY"
UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)


def signing_key(state: State) -> Ed25519PrivateKey:
    """The installation's key: the file named by GRIDROLL_SIGNING_KEY, else ``state/keys``, made on first use (mode 0600).

    Raises ConfigurationError when it cannot be read, or is not the one whose public half is pinned.
    """
    named = os.environ.get(KEY_ENVIRONMENT)
    path = Path(named) if named else state.keys / PRIVATE_KEY
    if not named and not path.exists():
        _make_key(path)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except UNREADABLE as error:
        raise ConfigurationError(
            f"The signing key {path} cannot be read ({type(error).__name__}).",
            remedy=f"Give {KEY_ENVIRONMENT} a PEM file with an Ed25519 private key without a password."
            if named
            else "Restore it from the back-up.",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"{path} is not an Ed25519 key.", remedy="Give a PEM file with an Ed25519 private key."
        )
    _pin(state, public_pem(key.public_key()), path)
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


def _pin(state: State, public_key: bytes, path: Path) -> None:
    pinned = state.keys / PINNED_KEY
    if not pinned.exists():
        write_bytes(pinned, public_key)
    elif pinned.read_bytes() != public_key:
        raise ConfigurationError(
            f"The signing key {path} is not the one this installation signs with: its public half is not {pinned}.",
            remedy=f"Give back the old key. If the change is meant, rename {PINNED_KEY} to another *.pub.pem beside it: "
            "it stays trusted for the releases it signed, and the new key is pinned with the next one.",
        )


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key as a PEM file, to hand to whoever verifies."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def parse_public_key(pem: bytes) -> Ed25519PublicKey | None:
    """The Ed25519 key in a PEM file, or None when there is none."""
    try:
        key = serialization.load_pem_public_key(pem)
    except UNREADABLE:
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def fingerprint(key: Ed25519PublicKey) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the raw public key: to compare by eye."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def is_signed(data: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Whether ``signature`` is the key's signature of ``data``."""
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
