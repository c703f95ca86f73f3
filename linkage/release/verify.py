"""Is a release what it was when it was signed? And which release came before a night?"""

import json
from datetime import date
from pathlib import Path

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.run import State
from linkage.release.manifest import (
    DERIVED,
    DERIVED_SIGNATURE,
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    file_hash,
    list_files,
    read_manifest,
)
from linkage.release.signing import fingerprint, is_signed, public_pem
from linkage.release.trust import Trust, trust_around

RESTORE = "Restore the release from a back-up; a release is never edited."


def verify_release(release: Path, trust: Trust | None = None) -> list[str]:
    """Check signature, chain and every file; returns what was checked.

    ``trust`` holds the keys of which one must have signed; left out, those of the installation the release lies in.
    Raises VerificationFailed that names the first file that is wrong.
    """
    for name in (MANIFEST, SIGNATURE, PUBLIC_KEY):
        if not (release / name).is_file():
            raise VerificationFailed(
                f"{release} has no {name}: it is not a release.",
                remedy="Give the folder of a release, e.g. state/releases/2026-03-02-1a2b3c4d.",
            )
    trust = trust or trust_around(release)
    checks = [_check_signature(release, MANIFEST, SIGNATURE, trust)]
    manifest = read_manifest(release)
    listed = dict(manifest["files"])
    # Releases of before derived.json list register.duckdb in the manifest itself.
    if (release / DERIVED).is_file() and (release / DERIVED_SIGNATURE).is_file():
        checks.append(_check_signature(release, DERIVED, DERIVED_SIGNATURE, trust))
        derived = json.loads((release / DERIVED).read_bytes())
        if derived["release"] == manifest["release"]:
            listed |= {name: entry for name, entry in derived["files"].items() if name in manifest["derived"]}
    present = {p.relative_to(release).as_posix() for p in list_files(release)}
    for name in sorted({*listed, *manifest["derived"]} - present):
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


def _check_signature(release: Path, name: str, signature_name: str, trust: Trust) -> str:
    data, signature = (release / name).read_bytes(), (release / signature_name).read_bytes()
    signer = next((key for key in trust.keys if is_signed(data, signature, key)), None)
    if signer is None:
        raise VerificationFailed(
            f"The signature of {release / name} is wrong, or not by the key trusted here ({trust.origin}).",
            remedy=RESTORE,
        )
    if (release / PUBLIC_KEY).read_bytes() != public_pem(signer):
        raise VerificationFailed(f"{release.name}: the file {PUBLIC_KEY} is not the key that signed.", remedy=RESTORE)
    return f"signature of {name} by key {fingerprint(signer)} ({trust.origin})"


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
