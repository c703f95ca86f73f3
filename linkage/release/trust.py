"""Whose signature a release is checked against, and how much that proves."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from linkage.kernel.errors import ConfigurationError
from linkage.release.manifest import PUBLIC_KEY
from linkage.release.signing import TRUSTED_KEYS, parse_public_key


@dataclass(frozen=True)
class Trust:
    """Keys of which one must have signed; ``origin`` says where they come from, ``warning`` what they do not prove."""

    keys: tuple[Ed25519PublicKey, ...]
    origin: str
    warning: str | None = None


def trust_named(path: Path) -> Trust:
    """Trust the key in the file that the user names. Raises ConfigurationError when there is none."""
    key = parse_public_key(path.read_bytes()) if path.is_file() else None
    if key is None:
        raise ConfigurationError(
            f"{path} is not a PEM file with an Ed25519 public key.",
            remedy="Give the file manifest.pub.pem or release_ed25519.pub.pem that the installation handed to you.",
        )
    return Trust((key,), str(path))


def trust_around(release: Path) -> Trust:
    """Trust the keys pinned by the installation that the release lies in; outside of one, what the release itself says."""
    pinned = sorted((release.resolve().parent.parent / "keys").glob(TRUSTED_KEYS))
    if pinned:
        keys = (parse_public_key(path.read_bytes()) for path in pinned)
        return Trust(tuple(key for key in keys if key), "pinned by this installation")
    own = release / PUBLIC_KEY
    key = parse_public_key(own.read_bytes()) if own.is_file() else None
    return Trust(
        (key,) if key else (),
        "the release's own",
        "Only the key inside the release was at hand: this shows that nothing was damaged, not who made it. "
        "Give the installation's key with --public-key.",
    )
