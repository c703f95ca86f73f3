"""Is a release what it was when it was signed, and is the chain of releases behind it whole?"""

import json
from collections.abc import Iterator
from pathlib import Path

from linkage.kernel.errors import VerificationFailed
from linkage.release.chain import is_emptied
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
from linkage.release.retention import RECORD, emptied_by_policy
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


def verify_chain(release: Path, trust: Trust | None = None) -> Iterator[str]:
    """Verify ``release`` and every release before it, up to the first; yields what was checked, newest first.

    Each manifest must have the hash that the next one names. A release that retention emptied counts as its signed manifest.
    Raises VerificationFailed at the first that is wrong or missing.
    """
    trust = trust or trust_around(release)
    emptied = emptied_by_policy(release.resolve().parent.parent / RECORD)
    current, expected = release, None
    while True:
        name = current.resolve().name
        if not (current / MANIFEST).is_file():
            raise VerificationFailed(
                f"The chain is broken: {name} has no {MANIFEST}."
                if expected
                else f"{release} has no {MANIFEST}: it is not a release.",
                remedy=f"Restore {name} from a back-up; of a published release the manifest stays for ever.",
            )
        if expected is not None and file_hash(current / MANIFEST) != expected:
            raise VerificationFailed(
                f"The manifest of {name} is not the one that the next release names.", remedy=RESTORE
            )
        if is_emptied(current) and name in emptied:
            yield f"{name}: manifest only, tables deleted by policy; {_check_signature(current, MANIFEST, SIGNATURE, trust)}"
        else:
            yield f"{name}: {len(verify_release(current, trust))} checks"
        manifest = read_manifest(current)
        expected = manifest["previous_manifest_sha256"]
        if manifest["previous_release"] is None:
            return
        current = release.resolve().parent / manifest["previous_release"]


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
