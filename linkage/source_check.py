"""The dry run for connecting a department, put together: how its file or view is read, and which codes nobody knows."""

from collections.abc import Iterator
from pathlib import Path

from linkage.kernel.config import read_config
from linkage.kernel.errors import ConfigurationError
from linkage.kernel.source_config import SourceConfig
from linkage.sources.check import CheckReport, check_file, check_view
from linkage.standardise.codes import code_checker


def check_source(config_file: Path, file: Path | None) -> Iterator[CheckReport]:
    """Try ``file``, or without one every database view that the YAML names; nothing is changed.

    Raises ConfigurationError when there is neither, UnreadableInput when nothing can be read.
    """
    config = read_config(config_file, SourceConfig)
    unknown_as = code_checker({config.source: config})
    views = [feed for feed in config.feeds if feed.database]
    if file is not None:
        yield check_file(config, file, unknown_as)
    elif not views:
        raise ConfigurationError(
            f"{config_file} reads no database, so there is nothing to try without a file.",
            remedy="Name one file as the department delivers it.",
        )
    else:
        yield from (check_view(config, feed, unknown_as) for feed in views)
