"""What all commands share: consoles, options, and how a date or a state folder is read."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from linkage.kernel.errors import ConfigurationError
from linkage.kernel.run import State

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


ConfigOption = Annotated[
    Path, typer.Option("--config", help="Folder with district.yaml, night.yaml, match.yaml, sources/ ...")
]
StateOption = Annotated[Path, typer.Option("--state", help="Folder where the installation remembers everything.")]
NightOption = Annotated[str, typer.Option("--date", help="The night, YYYY-MM-DD.")]
ModelArgument = Annotated[str, typer.Argument(help="Model id, a folder under state/models.")]


def existing(state: Path) -> State:
    """The state in the folder; a list of nothing, read from a mistyped folder, would look like an answer."""
    if not state.is_dir():
        raise ConfigurationError(f"There is no state folder {state}.", remedy="Check --state, or run a night first.")
    return State(state)


def parse_date(text: str) -> date:
    """A date written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a date.", remedy="Write it as YYYY-MM-DD, e.g. 2026-03-02."
        ) from None
