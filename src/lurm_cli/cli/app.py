"""The application: all commands."""

from __future__ import annotations

from typing import Annotated

import typer

from lurm_cli import __version__
from lurm_cli.cli import scores, stages, workbench

app = typer.Typer(
    name="lurm",
    help="Universal user representations from raw behaviour logs (LURM): "
    "ingest, embed-items, cluster, boi, train-smen, encode-users, evaluate.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"lurm {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version)] = False,
) -> None:
    pass


stages.register(app)
scores.register(app)
workbench.register(app)
