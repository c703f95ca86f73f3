"""Checks that take long, run in the background: the chain of releases, the installation, the audit. Their newest results are kept in the state folder."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State, write_json
from linkage.portal.settings import Settings
from linkage.release.verify import verify_chain

log = logging.getLogger(__name__)
FOLDER = "checks"
TITLES: Mapping[str, tuple[str, str]] = {
    "chain": ("发布链校验", "chain of releases"),
    "doctor": ("安装检查", "installation"),
    "audit": ("审计校验", "audit"),
}


@dataclass(frozen=True)
class Result:
    """What a check found; ``lines`` are its findings, (good, text, remedy)."""

    name: str
    finished_at: str
    good: bool
    lines: tuple[tuple[bool, str, str], ...]


_running: set[tuple[str, str]] = set()
_lock = threading.Lock()


def start(settings: Settings, name: str) -> bool:
    """Begin the check ``name`` in the background; False when it is running already. Raises KeyError for a name that is none."""
    check = CHECKS[name]
    key = (str(settings.state.root), name)
    with _lock:
        if key in _running:
            return False
        _running.add(key)
    threading.Thread(target=_run, args=(settings, name, check, key), name=f"check-{name}", daemon=True).start()
    return True


def is_running(state: State, name: str) -> bool:
    """Whether this process runs the check now."""
    with _lock:
        return (str(state.root), name) in _running


def last_result(state: State, name: str) -> Result | None:
    """The newest result, whichever process found it."""
    path = state.root / FOLDER / f"{name}.json"
    if not path.exists():
        return None
    read = json.loads(path.read_text(encoding="utf-8"))
    return Result(read["name"], read["finished_at"], read["good"], tuple(tuple(line) for line in read["lines"]))


def _run(
    settings: Settings, name: str, check: Callable[[Settings], list[tuple[bool, str, str]]], key: tuple[str, str]
) -> None:
    try:
        lines = check(settings)
    except LinkageError as error:
        lines = [(False, error.what, error.remedy)]
    except Exception as error:
        log.error("the check %s broke off: %s", name, type(error).__name__)
        lines = [(False, f"The check broke off ({type(error).__name__}).", "See the log of the portal.")]
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    result = Result(name, moment, all(good for good, _, _ in lines), tuple(lines))
    try:
        write_json(settings.state.root / FOLDER / f"{name}.json", asdict(result))
    finally:
        with _lock:
            _running.discard(key)


def _chain(settings: Settings) -> list[tuple[bool, str, str]]:
    current = settings.state.current_release()
    if current is None:
        return [(True, "nothing is published yet", "")]
    return [(True, line, "") for line in verify_chain(current)]


def _doctor(settings: Settings) -> list[tuple[bool, str, str]]:
    from linkage.doctor import examine

    found = examine(settings.state.root, settings.config_dir)
    return [(f.good, f.text, f.remedy if f.is_note or not f.good else "") for f in found]


def _audit(settings: Settings) -> list[tuple[bool, str, str]]:
    return [(True, f"{settings.audit.verify()} entries, whole and signed", "")]


CHECKS: Mapping[str, Callable[[Settings], list[tuple[bool, str, str]]]] = {
    "chain": _chain,
    "doctor": _doctor,
    "audit": _audit,
}
