"""Options of a stage, declared once in its config dataclass.

From a field come the command line flag, its help, the environment variable, the key in lurm.toml and the checks, so
that they cannot drift apart.
"""

from __future__ import annotations

import dataclasses
import difflib
import glob
import math
import os
import types
import typing
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar

from lurm_cli.errors import UsageError

Config = TypeVar("Config")


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    shown: str | None = None,
    shared: bool = True,
    paths: bool = False,
) -> Any:
    """A field of a stage's config.

    Parameters
    ----------
    default
        None means: chosen from the data.
    help
        One line for ``--help``.
    minimum, maximum
        Bounds, both allowed.
    shown
        How the default is shown where it is chosen from the data.
    shared
        Whether a setting of the same name at the top of lurm.toml, or in the environment, counts here.
    paths
        Whether the texts are paths: in lurm.toml they are relative to its folder.
    """
    metadata = {"help": help, "minimum": minimum, "maximum": maximum, "shown": shown, "shared": shared, "paths": paths}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What values a field takes."""

    base: type
    many: bool
    choices: tuple[str, ...] | None


def kind_of(config: type, name: str) -> Kind:
    """Read a field's type: int, float, str, bool, Literal, a tuple of str or Literal, each possibly ``| None``."""
    hint = typing.get_type_hints(config)[name]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    many = typing.get_origin(hint) is tuple
    if many:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is typing.Literal:
        return Kind(str, many, typing.get_args(hint))
    return Kind(hint, many, None)


def flag(name: str) -> str:
    """Command line spelling of a field: ``batch_size`` is ``--batch-size``."""
    return "--" + name.replace("_", "-")


def settle(
    config: type[Config],
    command: str,
    flags: dict[str, Any],
    environment: dict[str, str],
    section: dict[str, Any],
    shared: dict[str, Any],
    root: Path = Path(),
) -> Config:
    """Fill a config: flag, then ``LURM_*``, then the command's section of lurm.toml, then its top, then the default.

    Raises
    ------
    UsageError
        If a value has the wrong type or is out of bounds, or a key of the section is unknown; says where it stands.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    check_section(command, section, fields)
    section = {key.replace("-", "_"): value for key, value in section.items()}
    values = {}
    for name, field in fields.items():
        kind = kind_of(config, name)
        variable = "LURM_" + name.upper()
        if flags.get(name) not in (None, [], ()):
            values[name] = _checked(flags[name], kind, field, flag(name))
        elif variable in environment and field.metadata.get("shared", True):
            values[name] = _checked(_from_text(environment[variable], kind, variable), kind, field, variable)
        elif name in section:
            value = _checked(section[name], kind, field, f"lurm.toml, [{command}] {name}")
            values[name] = _below(root, value) if field.metadata.get("paths") else value
        elif name in shared and field.metadata.get("shared", True):
            values[name] = _checked(shared[name], kind, field, f"lurm.toml, {name}")
    return config(**values)


def check_section(command: str, section: Iterable[str], known: Collection[str]) -> None:
    """Refuse a key of a command's table that is none of its options; raises UsageError with a likely one."""
    for key in (key.replace("-", "_") for key in section):
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            raise UsageError(f"lurm.toml, [{command}]: {key} is not an option of `lurm {command}`; {hint}")


def _below(root: Path, value: Any) -> Any:
    """Paths relative to the workspace; joining leaves absolute ones as they are."""
    if isinstance(value, tuple):
        return tuple(_below(root, part) for part in value)
    is_pattern = any(sign in value for sign in "*?[") and not (root / value).exists()
    # The workspace's own name is no part of the pattern.
    return os.path.join(glob.escape(str(root)), value) if is_pattern else str(root / value)


def _from_text(text: str, kind: Kind, where: str) -> Any:
    if kind.many:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind.base is bool:
        lowered = text.strip().lower()
        if lowered in ("1", "true", "yes", "on"):
            return True
        if lowered in ("0", "false", "no", "off", ""):
            return False
        raise UsageError(f"{where}: {text!r} is not true or false")
    if kind.base is str:
        return text
    try:
        return kind.base(text)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is not {_noun(kind)}") from None


def _checked(value: Any, kind: Kind, field: dataclasses.Field[Any], where: str) -> Any:
    if kind.many:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(part, str) for part in values):
            raise UsageError(f"{where}: {value!r} is not a text or a list of texts")
        for part in values:
            _check_choice(part, kind, where)
        return tuple(values)
    if kind.base is str and not isinstance(value, str) and hasattr(value, "isoformat"):
        value = value.isoformat()  # TOML has dates of its own
    if kind.base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind.base) or (kind.base is int and isinstance(value, bool)):
        raise UsageError(f"{where}: {value!r} is not {_noun(kind)}")
    _check_choice(value, kind, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{where}: {value} is not a finite number")
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    if low is not None and value < low:
        raise UsageError(f"{where}: {value} is too small, the least is {low}")
    if high is not None and value > high:
        raise UsageError(f"{where}: {value} is too large, the most is {high}")
    return value


def _check_choice(value: Any, kind: Kind, where: str) -> None:
    if kind.choices is not None and value not in kind.choices:
        raise UsageError(f"{where}: {value!r} is not one of {', '.join(kind.choices)}")


def _noun(kind: Kind) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[kind.base]
