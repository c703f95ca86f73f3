"""Publishing: CURRENT points to a verified release, replaced in one step."""

from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State, write_bytes
from linkage.release.manifest import MANIFEST, read_manifest
from linkage.release.verify import verify_release


def publish(state: State, release_id: str, *, allow_back: bool = False) -> None:
    """Make ``release_id`` the current release. Publishing it again changes nothing.

    Raises VerificationFailed when the release is not what was signed, LinkageError when it does not exist or is older
    than the current one (unless ``allow_back``).
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
    if current is not None and not allow_back and (current / MANIFEST).exists():
        ours, theirs = read_manifest(release)["night"], read_manifest(current)["night"]
        if ours < theirs:
            raise LinkageError(
                f"Release {release_id} is of {ours}, the current one of {theirs}: publishing never goes back in time.",
                remedy="Run the later night again after this one.",
            )
    write_bytes(state.current_pointer, f"{release_id}\n".encode())
