"""Secrets that must be kept or carried: AES-256-GCM under the installation's key, each bound to what it is for."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State
from linkage.portal.audit_key import make_key

KEY_ENVIRONMENT, KEY_FILE = "GRIDROLL_PORTAL_KEY", "portal_aes.key"
NONCE_BYTES = 12


class Sealer:
    """Seals and opens texts with one key."""

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(hmac.new(key, b"gridroll portal sealing 1", hashlib.sha256).digest())

    def seal(self, text: str, bound_to: str) -> str:
        """``text`` encrypted; it opens only with the same ``bound_to``. URL-safe."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._aes.encrypt(nonce, text.encode(), bound_to.encode())).decode()

    def open(self, sealed: str, bound_to: str) -> str | None:
        """The text, or None when it was changed, sealed with another key, or bound to something else."""
        try:
            data = base64.urlsafe_b64decode(sealed.encode("ascii"))
            return self._aes.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound_to.encode()).decode()
        except (InvalidTag, ValueError):
            return None


def read_sealer(state: State) -> Sealer:
    """The installation's: key in the file named by GRIDROLL_PORTAL_KEY, else ``state/keys/portal_aes.key``, made on first use (mode 0600)."""
    named = os.environ.get(KEY_ENVIRONMENT)
    path = Path(named) if named else state.keys / KEY_FILE
    if not path.exists():
        if named:
            raise ConfigurationError(
                f"The portal's key {path} is missing.", remedy=f"Give {KEY_ENVIRONMENT} a file with 32 random bytes."
            )
        make_key(path)
    key = path.read_bytes()
    if len(key) < 32:
        raise ConfigurationError(
            f"The portal's key {path} has fewer than 32 bytes.", remedy="Restore it from the back-up."
        )
    return Sealer(key)
