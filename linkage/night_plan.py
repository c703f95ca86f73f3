"""What a night depends on, fixed before its first stage: landings, the release it continues, configuration, model, judgements.

A run's id is made of the night and a fingerprint of all of it, so a killed night finds its own finished stages again, and the
same inputs never give two different registers.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from linkage import __version__
from linkage.configuration import check_configuration, expectations_dir
from linkage.kernel.config import read_config
from linkage.kernel.errors import ConfigurationError, LinkageError, UnreadableInput
from linkage.kernel.run import State, write_json
from linkage.kernel.source_config import read_source_configs
from linkage.match import models
from linkage.match.config import MatchConfig
from linkage.night_config import DistrictConfig
from linkage.release.chain import night_before
from linkage.release.manifest import read_manifest
from linkage.release.signing import signing_key
from linkage.review import judgements, restrictions
from linkage.sources import landing

PORTAL = frozenset(("portal", "portal.yaml", "access.yaml"))
CONTINUES = ("run_id", "previous_release", "previous_model_id")
"""What a plan says about the release it continues; the rest is what the night is made from."""
DECIDES = (
    "district", "configuration_sha256", "code_version", "code_sha256", "model_id", "judgements_sha256", "restrictions_sha256",
)  # fmt: skip
"""What a register depends on besides what the departments delivered, and the date."""


def plan_night(state: Path, night: date, config_dir: Path, *, full: bool = False) -> str:
    """Fix what the night depends on and return its run id.

    The newest landing of each department counts; one that did not deliver is represented by its last landing
    and marked stale. The night continues CURRENT, so every id ever published lives on. Planned again after it was
    published, with nothing changed, it is the same run; with anything changed it is a new run that continues the first.
    A night on which every department delivered the very bytes of the current release's night, and nobody decided anything
    since, is that run too: its register stands. ``full``: it is a run of its own, and nothing is carried over from the one before.
    Raises UnreadableInput when a department has never delivered, ConfigurationError for any mistake of the installation
    and when a later night is published.
    """
    where = State(state)
    check_ready(where, night, config_dir)
    current = where.current_release()
    district = read_config(config_dir / "district.yaml", DistrictConfig)
    landings: dict[str, dict[str, Any]] = {}
    for source, config in read_source_configs(config_dir).items():
        found = landing.latest_landing(where, night, source)
        if found is None:
            raise UnreadableInput(
                f"Department {source!r} ({config.title.zh}) has never delivered.",
                remedy="Ask for its export, or take its file out of config/sources until it delivers.",
            )
        landings[source] = landing_entry(where, found, night)
    model_id = models.live_model_id(where, before=night)
    if model_id and not models.fits(where, model_id, read_config(config_dir / "match.yaml", MatchConfig)):
        raise ConfigurationError(
            f"The live model {model_id} was trained for other comparisons or levels than {config_dir / 'match.yaml'} has.",
            remedy="Run `linkage model train` with this configuration and have the candidate approved, or bring back the match.yaml of the model.",
        )
    before = night_before(where, night)
    _add_missed_deltas(where, landings, before, config_dir, night)
    plan: dict[str, Any] = {
        "night": night.isoformat(),
        "district": district.district,
        "landings": landings,
        "night_before": before.name if before else None,
        "configuration_sha256": _folder_hash(config_dir, expectations_dir(config_dir)),
        "code_version": __version__,
        "code_sha256": _folder_hash(Path(__file__).parent),
        "model_id": model_id,
        "judgements_sha256": judgements.table_hash(where),
        "restrictions_sha256": restrictions.table_hash(where),
    }
    if full:
        plan["full"] = True
    if current is not None and _is_published(where, current.name, plan):
        return current.name
    if current is not None and not full and _brings_nothing_new(where, current, plan):
        return current.name
    plan["previous_release"] = current.name if current else None
    plan["previous_model_id"] = read_manifest(current)["model"]["id"] if current else None
    run_id = f"{night.isoformat()}-{_hash_text(json.dumps(plan, sort_keys=True))[:8]}"
    run_dir = where.runs / run_id
    if not (run_dir / "run.json").exists():
        run_dir.mkdir(parents=True, exist_ok=True)
        shutil.copytree(config_dir, run_dir / "config", dirs_exist_ok=True)
        shutil.copytree(expectations_dir(config_dir), run_dir / "expectations", dirs_exist_ok=True)
        judgements.write_judgements(where, run_dir / "judgements.parquet")
        restrictions.write_restrictions(where, run_dir / "restrictions.parquet")
        write_json(run_dir / "run.json", plan | {"run_id": run_id})
    return run_id


def read_plan(state: Path, run_id: str) -> dict[str, Any]:
    """What ``plan_night`` fixed for ``run_id``."""
    path = State(state).runs / run_id / "run.json"
    if not path.exists():
        raise LinkageError(f"There is no run {run_id!r} in {state}.", remedy="Plan the night first, or check --state.")
    plan: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return plan


def check_ready(state: State, night: date, config_dir: Path) -> None:
    """Find every mistake of the installation before any work. Raises ConfigurationError."""
    check_configuration(config_dir)
    state.prepare()
    signing_key(state)
    judgements.table_hash(state)
    current = state.current_release()
    if current is not None and night.isoformat() < current.name[:10]:
        raise ConfigurationError(
            f"The night {night} is over: the current release {current.name} is of a later night.",
            remedy="Run a night from the current one on; nights are published in order and never go back.",
        )


def landing_entry(state: State, found: landing.Landing, night: date) -> dict[str, Any]:
    return {
        "source": found.source,
        "night": found.night.isoformat(),
        "path": found.path.relative_to(state.root).as_posix(),
        "sha256": found.sha256,
        "stale": found.night < night,
    }


def _is_published(state: State, current: str, plan: Mapping[str, Any]) -> bool:
    """Whether the current release was planned from exactly what ``plan`` says (which names no release to continue)."""
    path = state.runs / current / "run.json"
    if not path.exists():
        return False
    published = json.loads(path.read_text(encoding="utf-8"))
    return {key: value for key, value in published.items() if key not in CONTINUES} == plan


def _brings_nothing_new(state: State, current: Path, plan: Mapping[str, Any]) -> bool:
    """Whether a later night was planned from the same contents, decisions, model, configuration and code as ``current``."""
    path = state.runs / current.name / "run.json"
    late_or_missed = any(entry["stale"] or entry.get("missed") for entry in plan["landings"].values())
    if late_or_missed or not path.exists():
        return False
    published = json.loads(path.read_text(encoding="utf-8"))
    if not all(
        (state.root / entry["path"] / landing.LANDING_FILE).exists() for entry in published["landings"].values()
    ):
        return False
    published["model_id"] = read_manifest(current)["model"]["id"]  # the first night of a district trains its own
    return all(published[key] == plan[key] for key in DECIDES) and (
        _contents(state, published["landings"]) == _contents(state, plan["landings"])
    )


def _contents(state: State, landings: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Hashes of the files of each department, whatever their names: those bear the date of their night."""
    return {
        source: sorted(file.sha256 for file in landing.read_landing(state.root / entry["path"]).files)
        for source, entry in landings.items()
    }


def _add_missed_deltas(
    where: State, landings: dict[str, dict[str, Any]], previous: Path | None, config_dir: Path, night: date
) -> None:
    """Landings of delta feeds that no published night has used: a night that was stopped or held, or a later version."""
    run = where.runs / previous.name / "run.json" if previous else None
    if run is None or not run.exists():
        return
    used = json.loads(run.read_text(encoding="utf-8"))["landings"]
    for source, config in read_source_configs(config_dir).items():
        tonight = landing.latest_landing(where, night, source)
        if tonight and source in used and any(feed.delivery == "delta" for feed in config.feeds):
            path, landed = where.root / used[source]["path"], date.fromisoformat(used[source]["night"])
            missed = landing.landings_since(where, path, landed, tonight)
            landings[source]["missed"] = [landing_entry(where, found, night) for found in missed]


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _folder_hash(*folders: Path) -> str:
    """SHA-256 over names and contents of all files below ``folders`` that are not caches, nor the portal's: that decides no night."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            if PORTAL & {path.name, path.relative_to(folder).parts[0]}:
                continue
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
