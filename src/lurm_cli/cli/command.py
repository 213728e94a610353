"""From a stage's config dataclass to a command: its flags, its help, its settings, its output."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from lurm_cli.cli.terminal import TerminalReporter
from lurm_cli.cli.workspace import CONFIG, Workspace, find_workspace
from lurm_cli.engine import available_cores
from lurm_cli.errors import UsageError
from lurm_cli.progress import SILENT
from lurm_cli.ranks import Ranks
from lurm_cli.stages.context import Context, Outcome
from lurm_cli.stages.options import check_section, flag, kind_of, settle

# Keys of lurm.toml's top level that several commands share.
SHARED = ("until", "seed", "workers", "scheduler")
# Commands whose work is shared by the processes that torchrun starts.
SHARING = ("train-smen", "encode-users")
# Commands and their configs, if they have one: each may have a table of its own in lurm.toml.
_COMMANDS: dict[str, type[Any] | None] = {}


@dataclass(frozen=True)
class CommonConfig:
    """Settings that every stage has and that do not belong to its method."""

    seed: int = dataclasses.field(default=0, metadata={"minimum": 0, "maximum": 2**31 - 1})
    workers: int | None = dataclasses.field(default=None, metadata={"minimum": 1})
    scheduler: str | None = None


@dataclass(frozen=True)
class Session:
    """One run of a command: its workspace, its context, and how it prints."""

    workspace: Workspace
    context: Context
    output: Path | None
    as_json: bool

    def path(self, given: str | None, default: str) -> Path:
        """An input's path: as given, ``-`` for the next line of standard input, or its place in the workspace."""
        if given == "-":
            if self.context.ranks.size > 1:
                raise UsageError("-: the processes that torchrun started share one standard input; name the path")
            return _path_from_stdin()
        return Path(given).absolute() if given else self.workspace.root / default

    def target(self, default: str) -> Path:
        """Where the output goes: ``--output`` or its place in the workspace."""
        return self.output or self.workspace.root / default

    def show(self, outcomes: Sequence[Outcome]) -> None:
        """Print the paths written, or the manifests, on stdout; what was done on stderr; once for all processes."""
        if not self.context.ranks.leads:
            return
        for outcome in outcomes:
            if outcome.state != "written":
                self.context.reporter.note(f"{outcome.path}: {outcome.state}")
        if self.as_json:
            held = [{"path": str(o.path), "state": o.state, **o.manifest.to_json()} for o in outcomes]
            print(json.dumps(held[0] if len(held) == 1 else held, ensure_ascii=False, indent=2))
        else:
            for outcome in outcomes:
                print(outcome.path)


def _path_from_stdin() -> Path:
    if sys.stdin.isatty():
        raise UsageError("- reads a path from standard input: pipe another stage into this one, or name the path")
    for line in sys.stdin:
        if line.strip():
            return Path(line.strip()).absolute()
    raise UsageError("- was given, but standard input holds no path: the stage before it has failed or printed none")


def _valued(kind: Any, metavar: str, *spelling: str, help: str, shown: str | bool = False) -> tuple[Any, Any]:
    return Annotated[kind | None, typer.Option(*spelling, metavar=metavar, help=help, show_default=shown)], None


def _switch(*spelling: str, help: str) -> tuple[Any, Any]:
    return Annotated[bool, typer.Option(*spelling, help=help)], False


_COMMON: dict[str, tuple[Any, Any]] = {
    "workspace": _valued(str, "DIR", "--workspace", "-w", help="Workspace folder.", shown="nearest lurm.toml above"),
    "output": _valued(str, "PATH", "--output", "-o", help="Where to write.", shown="its place in the workspace"),
    "seed": _valued(int, "N", "--seed", help="Random seed.", shown="0"),
    "workers": _valued(int, "N", "--workers", help="Processes to use.", shown="all cores"),
    "scheduler": _valued(str, "ADDRESS", "--scheduler", help="Address of a Dask scheduler (lurm-cli[dask])."),
    "overwrite": _switch("--overwrite", help="Replace an existing output."),
    "dry_run": _switch("--dry-run", help="Say what would be done, write nothing."),
    "json_": _switch("--json", help="Print as JSON: what was made with its manifest."),
    "quiet": _switch("--quiet", "-q", help="Warnings and errors only."),
    "verbose": _switch("--verbose", "-v", help="Show a traceback with an error."),
}


def open_session(command: str, given: dict[str, Any]) -> Session:
    """Find the workspace and settle what every command has in common."""
    if given.get("verbose"):
        os.environ["LURM_DEBUG"] = "1"
    ranks = Ranks.from_environment()
    if ranks.size > 1 and command not in SHARING:
        raise UsageError(
            f"torchrun started {ranks.size} processes of `lurm {command}`, which are of use to "
            f"{' and '.join(SHARING)} only; run it by itself"
        )
    workspace = find_workspace(given.get("workspace"), dict(os.environ))
    _check_keys(workspace)
    context = Context(
        root=workspace.root,
        overwrite=bool(given.get("overwrite")),
        dry_run=bool(given.get("dry_run")),
        reporter=TerminalReporter(bool(given.get("quiet"))) if ranks.leads else SILENT,
        ranks=ranks,
    )
    context = with_common(context, workspace, (command,), given)
    if given.get("output") == "-":
        raise UsageError("--output -: standard output holds the path of what was written; name a place")
    output = Path(given["output"]).absolute() if given.get("output") else None
    return Session(workspace, context, output, bool(given.get("json_")))


def with_common(context: Context, workspace: Workspace, commands: Sequence[str], given: dict[str, Any]) -> Context:
    """The context with seed, workers and scheduler as flags, environment and lurm.toml set them.

    Parameters
    ----------
    commands
        Whose tables count, the first before the second: a stage within ``lurm run`` heeds its own, then ``[run]``.
    """
    shared = {key: workspace.settings[key] for key in SHARED if key in workspace.settings}
    section: dict[str, Any] = {}
    for command in reversed(commands):
        held = workspace.section(command)
        section |= {key: value for key, value in held.items() if key in CommonConfig.__dataclass_fields__}
    common = settle(CommonConfig, commands[0], given, dict(os.environ), section, shared)
    return dataclasses.replace(
        context, seed=common.seed, workers=common.workers or available_cores(), scheduler=common.scheduler
    )


def _check_keys(workspace: Workspace) -> None:
    """Refuse a misspelled key or table anywhere in lurm.toml: without its ``until``, a run would see the future."""
    known = (*SHARED, "tasks", *_COMMANDS)
    for key in workspace.settings:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise UsageError(f"{workspace.root / CONFIG}: {key} is not a setting of lurm; {hint}")
    for command, config in _COMMANDS.items():
        fields = {**CommonConfig.__dataclass_fields__, **(config.__dataclass_fields__ if config else {})}
        check_section(command, workspace.section(command), fields)


def settled_config(config: type[Any], command: str, session: Session, given: dict[str, Any]) -> Any:
    """A stage's config from flags, environment and lurm.toml."""
    settings = session.workspace.settings
    shared = {key: settings[key] for key in SHARED if key in settings}
    # What a section says of the seed or the workers was taken by ``open_session``.
    section = {
        key: value
        for key, value in session.workspace.section(command).items()
        if key not in CommonConfig.__dataclass_fields__ or key in config.__dataclass_fields__
    }
    return settle(config, command, given, dict(os.environ), section, shared, session.workspace.root)


# None: a switch takes no value.
_METAVARS = {int: "N", float: "X", str: "TEXT", bool: None}


def config_parameters(config: type[Any], leave_out: Sequence[str] = ()) -> list[inspect.Parameter]:
    """The command line parameters of a config's fields."""
    parameters = []
    for field in dataclasses.fields(config):
        if field.name in leave_out:
            continue
        kind = kind_of(config, field.name)
        shown = field.metadata.get("shown") or _shown(field.default)
        hint: Any = list[str] if kind.many else kind.base
        spelling = flag(field.name)
        if kind.base is bool:
            spelling = f"{spelling}/--no-{spelling[2:]}"
        declared = typer.Option(
            spelling,
            help=_sentence(field.metadata["help"]),
            show_default=shown or False,
            metavar="|".join(kind.choices) if kind.choices else _METAVARS[kind.base],
        )
        parameters.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[hint | None, declared],
            )
        )
    return parameters


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _shown(default: Any) -> str:
    if default is None or default == ():
        return ""
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default)


def common_parameters(leave_out: Sequence[str] = ()) -> list[inspect.Parameter]:
    """The parameters every command has."""
    parameters = []
    for name, (annotation, default) in _COMMON.items():
        if name not in leave_out:
            parameters.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )
    return parameters


def add_command(
    app: typer.Typer,
    name: str,
    body: Callable[[Session, dict[str, Any]], None],
    parameters: list[inspect.Parameter],
    help: str,
    leave_out: Sequence[str] = (),
    config: type[Any] | None = None,
) -> None:
    """Register a command whose parameters are its own and the common ones.

    Parameters
    ----------
    body
        Called with the session and all parameters by name.
    leave_out
        Common parameters the command has no use for.
    config
        What its table in lurm.toml may hold, besides the common settings.
    """

    _COMMANDS[name] = config

    def run(**given: Any) -> None:
        body(open_session(name, given), given)

    everything = [*parameters, *common_parameters(leave_out)]
    vars(run)["__signature__"] = inspect.Signature(everything)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in everything}
    run.__doc__ = help
    app.command(name, help=help)(run)


def argument(name: str, help: str, many: bool = False, metavar: str = "PATH") -> inspect.Parameter:
    """An optional positional argument, by default a path or ``-``."""
    hint: Any = list[str] if many else str
    declared = typer.Argument(help=help, show_default=False, metavar=f"[{metavar}]")
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[hint | None, declared]
    )


def input_option(name: str, help: str) -> inspect.Parameter:
    """An option that names an input artifact."""
    declared = typer.Option(flag(name), help=help, show_default=False, metavar="PATH")
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, declared]
    )


def load(dotted: str) -> Any:
    """Import ``package.module:name`` when it is needed: stages pull in heavy libraries."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)
