"""What is wrong with this installation: each check says what was found and, if bad, what to do."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from linkage.kernel.config import read_config
from linkage.kernel.errors import LinkageError
from linkage.kernel.run import State
from linkage.kernel.source_config import read_source_configs
from linkage.match.config import MatchConfig
from linkage.night import expectations_dir
from linkage.night_config import DistrictConfig, NightConfig
from linkage.register.config import SurvivorshipConfig
from linkage.release.sharing import SharingConfig
from linkage.release.verify import verify_release
from linkage.review.judgements import read_judgements

FREE_BYTES_WANTED = 5 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``remedy`` says what to do when it is not ``good``."""

    good: bool
    text: str
    remedy: str = ""


def examine(state_dir: Path, config_dir: Path) -> list[Finding]:
    """Look at configuration, state folder, database and current release; never raises for a fault it can describe."""
    state = State(state_dir)
    findings = [
        *(
            _try(f"{name} is valid", partial(read_config, config_dir / name, model))
            for name, model in (
                ("district.yaml", DistrictConfig),
                ("night.yaml", NightConfig),
                ("match.yaml", MatchConfig),
                ("survivorship.yaml", SurvivorshipConfig),
                ("sharing.yaml", SharingConfig),
            )
        ),
        _try("departments are configured", lambda: read_source_configs(config_dir)),
        Finding(
            any(expectations_dir(config_dir).glob("*.json")),
            "expectation suites are there",
            "Copy expectations/ of gridroll beside config/.",
        ),
        _try("the state database answers", lambda: read_judgements(state)),
        _free_space(state),
    ]
    current = state.current_release()
    if current is None:
        findings.append(Finding(True, "nothing is published yet"))
    else:
        findings.append(_try(f"current release {current.name} verifies", lambda: verify_release(current)))
    return findings


def _try(text: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except LinkageError as error:
        return Finding(False, f"{text}: NO. {error.what}", error.remedy)
    return Finding(True, text)


def _free_space(state: State) -> Finding:
    free = shutil.disk_usage(state.root if state.root.exists() else Path.cwd()).free
    return Finding(
        free >= FREE_BYTES_WANTED,
        f"{free / 2**30:.1f} GiB free for the state",
        "Free disk space, or move --state; a night needs about 5 GiB per million records.",
    )
