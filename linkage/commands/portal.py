"""``linkage serve``: the portal."""

from pathlib import Path
from typing import Annotated

import typer

from linkage.commands.common import ConfigOption, StateOption, console, existing

commands = typer.Typer()


@commands.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; behind a proxy that speaks TLS leave it at this.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8090,
    state: StateOption = Path("state"),
    config: ConfigOption = Path("config"),
) -> None:
    """Serve the portal: review desk, look-up, downloads, corrections, audit. Who may what: config/access.yaml."""
    import uvicorn

    from linkage.portal.app import create_app
    from linkage.portal.settings import read_settings

    app = create_app(read_settings(existing(state), config))
    console.print(f"gridroll portal: http://{host}:{port}/  (Ctrl-C ends it)")
    # Access lines would hold what people searched for; the audit has what must be kept.
    uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning", server_header=False)
