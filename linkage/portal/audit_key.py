"""The key of the audit's hashes, and how keys of the installation are made."""

import os
import secrets
from pathlib import Path

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State, write_bytes
from linkage.portal.audit_head import HEAD_FILE

KEY_ENVIRONMENT, KEY_FILE = "GRIDROLL_AUDIT_KEY", "audit_hmac.key"


def read_key(state: State) -> bytes:
    """The key of the hashes: in the file named by GRIDROLL_AUDIT_KEY, else ``state/keys/audit_hmac.key``, made on first use (mode 0600)."""
    named = os.environ.get(KEY_ENVIRONMENT)
    path = Path(named) if named else state.keys / KEY_FILE
    if not path.exists():
        if named or (state.root / HEAD_FILE).exists():
            raise ConfigurationError(
                f"The key of the audit {path} is missing.",
                remedy="Restore it from the back-up; a new one would not fit the audit.",
            )
        make_key(path)
    key = path.read_bytes()
    if len(key) < 32:
        raise ConfigurationError(
            f"The key of the audit {path} has {len(key)} bytes, fewer than 32.",
            remedy="Restore it from the back-up, or make one of 32 random bytes before the first use.",
        )
    return key


def make_key(path: Path) -> None:
    """Write 32 random bytes into ``path``, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    old_mask = os.umask(0o077)
    try:
        write_bytes(path, secrets.token_bytes(32))
    finally:
        os.umask(old_mask)
