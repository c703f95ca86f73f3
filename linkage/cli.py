"""The command line: ``linkage --help`` teaches what it can do.

Exit codes of ``run``: 0 released; 1 it cannot be done now; 2 bad arguments or configuration, or a night that is over; 3 a gate stopped the night, nothing
published; 4 an input could not be read at all.
"""

import os
import sys

import typer
from rich.markup import escape

from linkage.commands import audit, corrections, decisions, downloads, model, night, portal, release, tools, users
from linkage.commands.common import errors
from linkage.kernel.errors import LinkageError

app = typer.Typer(
    name="linkage",
    help="gridroll 网格人户一本账: departments' nightly exports become one register of persons and households.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (night, release, decisions, portal, corrections, downloads, tools):
    app.add_typer(group.commands)
app.add_typer(tools.source_app, name="source")
app.add_typer(model.model_app, name="model")
app.add_typer(portal.portal_app, name="portal")
app.add_typer(users.user_app, name="user")
app.add_typer(audit.audit_app, name="audit")


def main() -> None:
    """Entry point: errors are shown as what happened and what to do, with their exit code."""
    code = 0
    try:
        app(standalone_mode=True)
    except LinkageError as error:
        errors.print(f"[red]错误 error:[/red] {escape(error.what)}\n  -> {escape(error.remedy)}")
        code = error.exit_code
    except OSError as error:
        # A full disk, a file where a folder should be, a folder of somebody else: for the one who runs it, no fault of gridroll.
        what = f"{error.strerror or error}: {error.filename or '(no file named)'}"
        errors.print(
            f"[red]错误 error:[/red] {escape(what)}\n"
            "  -> Check that the path exists, is of the right kind, may be written by this user, and that the disk is not full."
        )
        code = 1
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    # DuckDB's bindings print a page of harmless leak notes when the interpreter ends after Great Expectations was used.
    os._exit(code)


if __name__ == "__main__":
    main()
