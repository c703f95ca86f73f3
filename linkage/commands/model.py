"""``linkage model``: the pinned matching model."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from linkage.commands.common import (
    ConfigOption,
    ModelArgument,
    NightOption,
    StateOption,
    console,
    existing,
    parse_date,
)

model_app = typer.Typer(
    help="The pinned matching model: train a candidate, compare it with the live one, approve it.", no_args_is_help=True
)


@model_app.command("train")
def model_train(night: NightOption, state: StateOption = Path("state"), config: ConfigOption = Path("config")) -> None:
    """Train a candidate model on the newest run and compare it with the live one; it is not used until approved."""
    from linkage.model_life import train_model

    model_id = train_model(state, parse_date(night), config)
    console.print(f"candidate {model_id}: its card is {state / 'models' / model_id / 'card.json'}")
    _show_comparison(model_id, state, config)


@model_app.command("compare")
def model_compare(
    model_id: ModelArgument, state: StateOption = Path("state"), config: ConfigOption = Path("config")
) -> None:
    """What would change if this model replaced the live one: both link the newest run's records."""
    _show_comparison(model_id, state, config)


@model_app.command("approve")
def model_approve(
    model_id: ModelArgument,
    by: Annotated[str, typer.Option(help="Who approves.")],
    reason: Annotated[str, typer.Option(help="Why; an auditor will ask.")],
    state: StateOption = Path("state"),
) -> None:
    """Make a model the live one for all nights that have not begun. To go back, approve the older model again."""
    from linkage.model_life import approve_model

    entry = approve_model(state, model_id, by=by, reason=reason)
    console.print(
        f"live model after the night {entry['after_night']}: {model_id} (before: {entry['replaces'] or 'none'})"
    )


@model_app.command("history")
def model_history(state: StateOption = Path("state")) -> None:
    """Who approved which model, when and why."""
    from linkage.match.models import read_approvals

    approvals = read_approvals(existing(state))
    if not approvals:
        console.print("没有记录 none recorded")
    for e in approvals:
        console.print(
            f"after {e['after_night']}  {e['model_id']}  {escape(e['approved_by'])}, {e['approved_at']}: {escape(e['reason'])}"
        )


def _show_comparison(model_id: str, state: Path, config: Path) -> None:
    from linkage.model_life import compare_models

    found = compare_models(state, model_id, config, note=console.print)
    for zh, en in found.lines:
        console.print(f"{zh}\n  {en}")
    console.print(f"comparison: {found.page}; then `linkage model approve {model_id} --by NAME --reason WHY`")
