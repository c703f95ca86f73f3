"""Is a release what it was when it was signed? And which release came before a night?"""

import json
from datetime import date
from pathlib import Path

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.run import State
from linkage.release.manifest import MANIFEST, PUBLIC_KEY, SIGNATURE, file_hash, list_files, read_manifest
from linkage.release.signing import is_signed

RESTORE = "Restore the release from a back-up; a release is never edited."


def verify_release(release: Path, public_key: bytes | None = None) -> list[str]:
    """Check signature, chain and every file; returns what was checked.

    ``public_key`` (PEM) is the one you trust; left out, the installation's own key beside the releases is taken.
    Raises VerificationFailed that names the first file that is wrong.
    """
    for name in (MANIFEST, SIGNATURE):
        if not (release / name).is_file():
            raise VerificationFailed(
                f"{release} has no {name}: it is not a release.",
                remedy="Give the folder of a release, e.g. state/releases/2026-03-02-1a2b3c4d.",
            )
    manifest_bytes = (release / MANIFEST).read_bytes()
    if not is_signed(manifest_bytes, (release / SIGNATURE).read_bytes(), public_key or _own_key(release)):
        raise VerificationFailed(f"The signature of {release / MANIFEST} is wrong.", remedy=RESTORE)
    manifest = json.loads(manifest_bytes)
    checks = [f"signature of {MANIFEST}"]
    listed = manifest["files"]
    present = {p.relative_to(release).as_posix() for p in list_files(release)}
    for name in sorted(set(listed) - present):
        raise VerificationFailed(f"{release.name}: the file {name} is missing.", remedy=RESTORE)
    for name in sorted(present - set(listed)):
        raise VerificationFailed(
            f"{release.name}: the file {name} does not belong to the release.",
            remedy="Take it out; a release is never written again.",
        )
    for name, entry in sorted(listed.items()):
        if file_hash(release / name) != entry["sha256"]:
            raise VerificationFailed(f"{release.name}: the file {name} was changed after signing.", remedy=RESTORE)
        checks.append(name)
    checks.append(_check_chain(release, manifest.get("previous_release"), manifest.get("previous_manifest_sha256")))
    return checks


def _own_key(release: Path) -> bytes:
    """The installation's public key, else the one that came with the release."""
    from linkage.release.signing import PUBLIC_KEY as INSTALLATION_KEY

    own = release.resolve().parent.parent / "keys" / INSTALLATION_KEY
    return own.read_bytes() if own.exists() else (release / PUBLIC_KEY).read_bytes()


def _check_chain(release: Path, previous: str | None, expected: str | None) -> str:
    if previous is None:
        return "first release, no chain"
    before = release.resolve().parent / previous / MANIFEST
    if not before.exists():
        return f"chain to {previous} (no longer kept here, not checked)"
    if file_hash(before) != expected:
        raise VerificationFailed(
            f"{release.name} was made after {previous}, but the manifest of {previous} is not the one it names.",
            remedy=f"Restore {previous} from a back-up.",
        )
    return f"chain to {previous}"


def night_before(state: State, night: date) -> Path | None:
    """The published release of the latest night before ``night``: back from CURRENT along the manifests."""
    release = state.current_release()
    while release is not None and (release / MANIFEST).exists():
        manifest = read_manifest(release)
        if date.fromisoformat(manifest["night"]) < night:
            return release
        before = manifest.get("previous_release")
        release = state.releases / before if before else None
    return None
