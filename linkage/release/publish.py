"""Publishing: CURRENT points to a verified release that continues the one before, replaced in one step."""

from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State, write_bytes
from linkage.release.chain import record_publication
from linkage.release.manifest import MANIFEST, read_manifest
from linkage.release.verify import verify_release


def publishable(state: State) -> tuple[str, ...]:
    """Releases that are not published and continue the current one, oldest night first."""
    current = state.current_release()
    name = current.name if current else None
    manifests = (read_manifest(path.parent) for path in state.releases.glob(f"[!.]*/{MANIFEST}"))
    return tuple(sorted(m["release"] for m in manifests if m["previous_release"] == name and m["release"] != name))


def publish(state: State, release_id: str) -> None:
    """Make ``release_id`` the current release. Publishing it again changes nothing.

    Raises VerificationFailed when the release is not what was signed; LinkageError when it does not exist, is older than
    the current one, or was not built on it: ids that the current release gave would be lost.
    """
    release = state.releases / release_id
    if not (release / MANIFEST).exists():
        known = sorted(p.name for p in state.releases.glob("*") if not p.name.startswith("."))
        raise LinkageError(
            f"There is no release {release_id!r}.", remedy=f"Known releases: {', '.join(known) or 'none'}."
        )
    current = state.current_release()
    if current is not None and current.name == release_id:
        return
    verify_release(release)
    manifest = read_manifest(release)
    built_on = manifest["previous_release"]
    if current is not None and manifest["night"] < current.name[:10]:
        raise LinkageError(
            f"Release {release_id} is of {manifest['night']}, the current one of {current.name[:10]}: publishing never goes back in time.",
            remedy="Leave it; the later night stands for both.",
        )
    if built_on != (current.name if current else None):
        raise LinkageError(
            f"Release {release_id} continues {built_on or 'no release'}, but {current.name if current else 'nothing'} is current: "
            "ids given since would be lost.",
            remedy=f"Run the night {manifest['night']} again; it will continue the current release.",
        )
    # Before the pointer moves: a release that readers saw is always in the record.
    record_publication(state, release)
    write_bytes(state.current_pointer, f"{release_id}\n".encode())
