"""The published releases in their order, and which of them was the register of a date.

The chain of manifests says what was published: from CURRENT back, each names the release it continues. ``published.jsonl`` adds the
moment at which each became CURRENT, which no manifest can know.

**The register of a date is the newest published release whose night is not after it.** A night's exports come in its early hours, and
its release is published that morning. A night made up later (catch-up, backfill, a release that waited for a person) counts for its
night all the same; the record of publications then says that readers had another release on the day itself.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.ledger import append_entry, read_entries
from linkage.kernel.run import State
from linkage.release.manifest import CHAIN_FILES, MANIFEST, file_hash, read_manifest

PUBLISHED = "published.jsonl"


def published_releases(state: State) -> Iterator[Path]:
    """The published releases, from the current one back along the manifests; of old ones only the manifest may be left.

    Raises VerificationFailed where a manifest is missing or not the one that the next release names: a chain that merely ended
    there would make older releases look as if they had never been published, and retention would delete them whole.
    """
    release, expected = state.current_release(), None
    while release is not None:
        manifest = read_manifest(release)
        if expected is not None and file_hash(release / MANIFEST) != expected:
            raise VerificationFailed(
                f"The manifest of {release.name} is not the one that the next release names.",
                remedy=f"Restore {release.name} from a back-up.",
            )
        yield release
        before, expected = manifest.get("previous_release"), manifest.get("previous_manifest_sha256")
        release = state.releases / before if before else None


def night_before(state: State, night: date) -> Path | None:
    """The published release of the latest night before ``night``."""
    return next((r for r in published_releases(state) if date.fromisoformat(read_manifest(r)["night"]) < night), None)


def release_of(state: State, day: date) -> Path | None:
    """The published release that is the register of ``day``; None when the register begins later."""
    return next((r for r in published_releases(state) if date.fromisoformat(read_manifest(r)["night"]) <= day), None)


def record_publication(state: State, release: Path, moment: datetime | None = None) -> None:
    """Note in ``published.jsonl`` that ``release`` becomes CURRENT now (or at ``moment``)."""
    manifest = read_manifest(release)
    entry = {
        "release": release.name,
        "night": manifest["night"],
        "manifest_sha256": file_hash(release / MANIFEST),
        "published_at": (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
    }
    append_entry(state.root / PUBLISHED, entry)


def publication_moments(state: State) -> dict[str, datetime]:
    """When each release became CURRENT. Of two entries the later counts: the process stopped between the first and the pointer.

    Releases of before the record are not in it. Raises VerificationFailed when the record was changed.
    """
    entries = read_entries(state.root / PUBLISHED)
    return {entry["release"]: datetime.fromisoformat(entry["published_at"]) for entry in entries}


def seen_on(state: State, day: date) -> str | None:
    """The release that readers had at the end of ``day`` (UTC) by the record of publications; None when it does not say."""
    moments = publication_moments(state)
    # Only what is in the chain: a process that stopped before the pointer moved has left an entry, and no reader saw it.
    seen = [r.name for r in published_releases(state) if r.name in moments and moments[r.name].date() <= day]
    return max(seen, key=lambda name: moments[name], default=None)


def is_emptied(release: Path) -> bool:
    """Whether retention left only the manifest and its signature."""
    return all(path.name in CHAIN_FILES for path in release.iterdir())
