"""All configuration of an installation, checked together: a mistake is found before any work, not after an hour of it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from linkage.config_reference import FILES
from linkage.kernel.config import read_config
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.source_config import read_source_configs
from linkage.portal.access import AccessConfig, check_against_sharing
from linkage.quality.suite import read_suites
from linkage.release.sharing import SharingConfig

Check = tuple[str, Callable[[], object]]


def configuration_checks(config_dir: Path) -> Iterator[Check]:
    """Each check with what it makes sure of; it raises ConfigurationError that names file, key and remedy."""
    for path, model in FILES:
        name = path.removeprefix("config/")
        if "<" not in name:
            yield f"{name} is valid", partial(read_config, config_dir / name, model)
    yield "departments are configured", partial(read_source_configs, config_dir)
    yield "slices go to departments that exist", partial(_check_departments, config_dir)
    yield "no role shows departments what is 不予共享", partial(_check_access, config_dir)
    for gate in ("incoming", "outgoing"):
        yield (
            f"expectation suites of the {gate} gate are valid",
            partial(read_suites, expectations_dir(config_dir), gate),
        )


def check_configuration(config_dir: Path) -> None:
    """Raise ConfigurationError for the first mistake in any file."""
    for _, check in configuration_checks(config_dir):
        check()


def expectations_dir(config_dir: Path) -> Path:
    """The expectation suites that belong to ``config_dir``: beside it, else the ones that ship with gridroll."""
    beside = config_dir.resolve().parent / "expectations"
    return beside if beside.is_dir() else Path(__file__).resolve().parent.parent / "expectations"


def _check_access(config_dir: Path) -> None:
    access = read_config(config_dir / "access.yaml", AccessConfig)
    sharing = read_config(config_dir / "sharing.yaml", SharingConfig)
    check_against_sharing(access, sharing, str(config_dir / "access.yaml"))


def _check_departments(config_dir: Path) -> None:
    sharing = read_config(config_dir / "sharing.yaml", SharingConfig)
    known = read_source_configs(config_dir)
    unknown = sorted({department.source for department in sharing.departments} - set(known))
    if unknown:
        raise ConfigurationError(
            f"{config_dir / 'sharing.yaml'} names departments that are not configured: {', '.join(unknown)}.",
            remedy=f"Known departments: {', '.join(known)}.",
        )
