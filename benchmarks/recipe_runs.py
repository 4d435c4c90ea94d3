"""The run of a recipe, and the runs that it builds on."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_bench.runtime.errors import InputError

if TYPE_CHECKING:
    from ecg_edge import Reporter, Run

FIRST = {"pretrain": "training.init", "embedder": "task.embedder"}  # what is trained first → the setting that names it


def add_runs(name: str, recipe: Mapping[str, Any], reporter: "Reporter") -> dict[str, Any]:
    """The arguments of `train`, with the runs that it builds on, which are trained first."""
    import ecg_edge

    settings = dict(recipe["train"].get("settings", {}))
    for key in FIRST.keys() & recipe.keys():
        first = ecg_edge.train(**recipe[key], folder=Path("runs") / f"{name}-{key}", reporter=reporter)
        settings[FIRST[key]] = str(first.path)
    return {**recipe["train"], "settings": settings}


def require_recipe(trained: "Run", recipe: Mapping[str, Any]) -> None:
    """Raise InputError where a run, or one that it builds on, was trained with other settings than a recipe's."""
    require_settings(trained, recipe["train"])
    runs = {"pretrain": trained.initial, "embedder": trained.embedder}
    for key in FIRST.keys() & recipe.keys():
        first = runs[key]
        if first is None:
            raise InputError(f"{trained.path} builds on no other run: the recipe has one, {key}")
        require_settings(first, recipe[key])


def require_settings(trained: "Run", wanted: Mapping[str, Any]) -> None:
    """Raise InputError where a run was trained with other settings than a recipe's."""
    config = trained.config
    settings = {name: value for name, value in wanted.items() if name != "settings"}
    for name, value in wanted.get("settings", {}).items():
        section, key = name.split(".")
        settings[name], config = value, {**config, name: config[section][key]}
    config = {**config, "task": config["task"]["name"]}
    if differing := [name for name, value in settings.items() if _plain(config[name]) != _plain(value)]:
        raise InputError(f"{trained.path} was trained with another {', '.join(differing)} than the recipe says")


def _plain(value: Any) -> Any:
    """A setting as the command line takes it, where TOML has no such value."""
    return "none" if value is None else ",".join(map(str, value)) if isinstance(value, list) else value
