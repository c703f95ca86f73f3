"""What is wrong with this installation: each check says what was found and, if bad, what to do."""

import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from linkage.configuration import configuration_checks
from linkage.kernel.config import read_config
from linkage.kernel.errors import LinkageError
from linkage.kernel.ledger import read_entries
from linkage.kernel.run import DATABASE_FILE, State
from linkage.match.models import APPROVALS
from linkage.portal.audit_head import HEAD_FILE, NO_COPY
from linkage.portal.config import PortalConfig
from linkage.release.chain import PUBLISHED
from linkage.release.retention import RECORD
from linkage.release.signing import KEY_ENVIRONMENT, PRIVATE_KEY, signing_key
from linkage.release.verify import verify_release
from linkage.review.judgements import read_judgements

FREE_BYTES_WANTED = 5 * 2**30
OTHERS, GROUP_AND_OTHERS = stat.S_IRWXO, stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``remedy`` says what to do when it is not ``good``, or when it is a note: no fault, but worth doing."""

    good: bool
    text: str
    remedy: str = ""
    is_note: bool = False


def examine(state_dir: Path, config_dir: Path) -> list[Finding]:
    """Look at configuration, state folder, keys, database and current release; changes nothing, and never raises for a
    fault it can describe."""
    findings = [_try(text, check) for text, check in configuration_checks(config_dir)]
    if not state_dir.is_dir():
        what = "is not a folder" if state_dir.exists() else "does not exist"
        remedy = "Check --state for a typing mistake; the first night makes the folder."
        return [*findings, Finding(False, f"the state folder {state_dir} {what}", remedy)]
    state = State(state_dir)
    return [*findings, *_examine_state(state), *_copy_of_the_audits_head(state, config_dir)]


def _examine_state(state: State) -> Iterator[Finding]:
    yield _try("the state folder can be written", state.prepare)
    yield from _who_may_read(state)
    if (state.keys / PRIVATE_KEY).exists() or os.environ.get(KEY_ENVIRONMENT):
        yield _try("the signing key is there and is the pinned one", lambda: signing_key(state))
    if state.database_exists():
        yield _try("the state database answers", lambda: read_judgements(state))
    else:
        yield Finding(True, "no state database yet: the first night makes it")
    for record in (state.root / PUBLISHED, state.root / RECORD, state.models / APPROVALS):
        if record.exists():
            yield _try(f"the record {record.name} is whole", partial(read_entries, record))
    yield _free_space(state)
    current = state.current_release()
    if current is None:
        yield Finding(True, "nothing is published yet")
    else:
        yield _try(f"current release {current.name} verifies", lambda: verify_release(current))


def _copy_of_the_audits_head(state: State, config_dir: Path) -> Iterator[Finding]:
    """Whether the end of the audit is signed elsewhere too; nothing where portal.yaml cannot be read, which is said already."""
    try:
        named = read_config(config_dir / "portal.yaml", PortalConfig).audit_heads
    except LinkageError:
        return
    remedy = "Name a folder on another machine as audit_heads in config/portal.yaml; see docs/portal-audit.md."
    if not named:
        yield Finding(True, NO_COPY, remedy, is_note=True)
    elif Path(named).resolve().is_relative_to(state.root.resolve()):
        yield Finding(True, f"{NO_COPY}: {named} is in the state folder", remedy, is_note=True)
    elif not (Path(named) / HEAD_FILE).is_file():
        yield Finding(
            True, f"注意 note: 链尾签名尚未另存。No head of the audit is in {named} yet", "The portal writes it when it starts.", is_note=True
        )  # fmt: skip
    else:
        yield Finding(True, f"the audit's signed head is kept in {named} as well")


def _try(text: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except LinkageError as error:
        return Finding(False, f"{text}: NO. {error.what}", error.remedy)
    return Finding(True, text)


def _who_may_read(state: State) -> Iterator[Finding]:
    """The state holds residents' data; keys and database besides what nobody else on the machine, the group included, has to know."""
    yield _readable("the state folder", [state.root], OTHERS, "o-rwx")
    keys = (
        [state.keys, *sorted(p for p in state.keys.glob("*") if not p.name.endswith(".pub.pem"))]
        if state.keys.exists()
        else []
    )
    yield _readable("keys", keys, GROUP_AND_OTHERS, "go-rwx")
    if state.database_url.startswith("sqlite"):
        files = sorted(state.root.glob(f"{DATABASE_FILE}*"))
        yield _readable("the state database", files, GROUP_AND_OTHERS, "go-rwx")


def _readable(what: str, paths: Sequence[Path], by: int, take_away: str) -> Finding:
    open_ones = [path for path in paths if stat.S_IMODE(path.stat().st_mode) & by]
    if not open_ones:
        return Finding(
            True,
            f"{what}: readable by their owner alone" if by == GROUP_AND_OTHERS else f"{what}: not readable by others",
        )
    named = " ".join(shlex.quote(str(path)) for path in open_ones)
    modes = ", ".join(f"{path.name} {stat.S_IMODE(path.stat().st_mode):o}" for path in open_ones)
    return Finding(False, f"{what}: others on this machine may read it ({modes})", f"chmod {take_away} {named}")


def _free_space(state: State) -> Finding:
    free = shutil.disk_usage(state.root).free
    return Finding(
        free >= FREE_BYTES_WANTED,
        f"{free / 2**30:.1f} GiB free for the state",
        "Free disk space, or move --state; a night needs about 5 GiB per million records.",
    )
