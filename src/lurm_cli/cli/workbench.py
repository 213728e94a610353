"""The commands that look at a workspace: init, status, inspect, export, verify."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lurm_cli.cli.command import Session, add_command, argument, load
from lurm_cli.cli.terminal import console
from lurm_cli.clock import format_time
from lurm_cli.errors import ArtifactError, UsageError

# What ``inspect`` shows of every manifest.
_SHOWN = ("kind", "command", "shape", "nnz", "until", "seed", "fingerprint")
# Facts that hold a point in time.
_TIMES = ("first_time", "last_time")


def init(folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of the new workspace.")] = ".") -> None:
    """Write a commented lurm.toml, the beginning of a workspace."""
    print(load("lurm_cli.stages.init:run_init")(Path(folder)))


def status(session: Session, given: dict[str, Any]) -> None:
    """Show what the workspace holds."""
    entries = load("lurm_cli.stages.status:run_status")(session.workspace.root)
    if session.as_json:
        print(json.dumps([entry.to_json() for entry in entries], ensure_ascii=False, indent=2))
        return
    if not entries:
        session.context.reporter.note(f"{session.workspace.root} holds no artifacts yet; begin with `lurm ingest`")
        return
    _print_rows([(e.name, e.kind, e.state, e.detail) for e in entries], ("artifact", "kind", "state", ""))


def inspect(session: Session, given: dict[str, Any]) -> None:
    """Show an artifact, or one user's life."""
    if given["top"] is not None and given["top"] < 1:
        raise UsageError(f"--top: {given['top']} is too small, the least is 1")
    path = _artifact(session, given)
    if given["user"] is not None:
        find = load("lurm_cli.stages.inspect:user_life")
        life = find(session.workspace.root, path, given["user"], given["top"] or 5)
        if session.as_json:
            print(json.dumps([line.to_json() for line in life], ensure_ascii=False, indent=2))
        else:
            lines = [(e.period, f"{e.n_behaviours:g}", _interests(e.interests)) for e in life]
            _print_rows(lines, ("period", "behaviours", "interests"))
        return
    manifest = load("lurm_cli.stages.inspect:run_inspect")(path)
    held = manifest.to_json()
    if session.as_json:
        print(json.dumps({"path": str(path), **held}, ensure_ascii=False, indent=2))
        return
    rows: list[tuple[str, ...]] = [(key, _plain(key, held[key])) for key in _SHOWN]
    rows += [(f"parameter {key}", _plain(key, value)) for key, value in sorted(held["parameters"].items())]
    rows += [(f"fact {key}", _plain(key, value)) for key, value in sorted(held["facts"].items())]
    rows += [(f"made from {e['kind']}", f"{e['path']} ({e['fingerprint'][:12]})") for e in held["inputs"]]
    rows += [("parts", f"{len(manifest.parts):,}")] if manifest.parts else []
    _print_rows([row for row in rows if row[1]], ("", ""))


def _interests(held: tuple[tuple[str, float], ...]) -> str:
    return "; ".join(f"{label} {count:g}" for label, count in held)


def _plain(key: str, value: Any) -> str:
    """One value of a manifest as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return (" x " if key == "shape" else ", ").join(_plain("", part) for part in value)
    if isinstance(value, dict):
        return str(value["name"]) if "name" in value else ", ".join(f"{k} {_plain(k, v)}" for k, v in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format_time(value) if key in _TIMES else f"{value:,}"
    return str(value)


def export(session: Session, given: dict[str, Any]) -> None:
    """Write an artifact as one file."""
    if session.output is None:
        raise UsageError("export needs -o FILE, such as -o users.parquet")
    run = load("lurm_cli.stages.export:run_export")
    print(run(_artifact(session, given), session.output, given["format"], session.context.overwrite))


def verify(session: Session, given: dict[str, Any]) -> None:
    """Check every byte of an artifact."""
    path = _artifact(session, given)
    faults = load("lurm_cli.artifacts.verify:verify")(path)
    if session.as_json:
        print(json.dumps({"path": str(path), "faults": faults}, ensure_ascii=False, indent=2))
    elif not faults:
        print(path)
    if faults:
        raise ArtifactError("\n  ".join([f"{path} is damaged:", *faults]))
    session.context.reporter.note(f"{path}: every file is there and matches its checksum")


def _artifact(session: Session, given: dict[str, Any]) -> Path:
    if given["artifact"] is None:
        raise UsageError("which artifact? `lurm status` lists those of the workspace")
    if given["artifact"] == "-":
        return session.path("-", "")
    path = Path(given["artifact"])
    below = session.workspace.root / path
    return below if not path.exists() and below.exists() else path.absolute()


def _print_rows(rows: Sequence[tuple[str, ...]], head: tuple[str, ...]) -> None:
    """Aligned columns on stdout, plain text in a pipe."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=any(head), header_style="dim")
    for name in head:
        table.add_column(name, overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console(sys.stdout, wide=not sys.stdout.isatty()).print(table)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init", help="Write a commented lurm.toml, the beginning of a workspace.")(init)
    running = ("seed", "workers", "scheduler", "overwrite", "dry_run", "output")
    add_command(app, "status", status, [], "Show what the workspace holds and what is out of date.", leave_out=running)
    add_command(
        app,
        "inspect",
        inspect,
        [
            argument("artifact", "Artifact to look at.", metavar="ARTIFACT"),
            _option("user", str, "Show this user's life, period by period."),
            _option("top", int, "Interests shown a period (5)."),
        ],
        "Show where an artifact came from, or what a user's life was about.",
        leave_out=running,
    )
    add_command(
        app,
        "export",
        export,
        [
            argument("artifact", "Artifact to export.", metavar="ARTIFACT"),
            _option("output", str, "File to write.", "-o", metavar="FILE"),
            _option("format", str, "npz, npy, parquet, csv or h5ad; by default the file's suffix."),
        ],
        "Write an artifact as one ordinary file.",
        leave_out=("seed", "workers", "scheduler", "dry_run", "json_", "output"),
    )
    add_command(
        app,
        "verify",
        verify,
        [argument("artifact", "Artifact to check.", metavar="ARTIFACT")],
        "Check every byte of an artifact against its checksums.",
        leave_out=running,
    )


def _option(name: str, kind: type, help: str, *short: str, metavar: str | None = None) -> Any:
    import inspect as signatures

    declared = typer.Option(f"--{name}", *short, help=help, show_default=False, metavar=metavar or name.upper())
    return signatures.Parameter(
        name, signatures.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, declared]
    )
