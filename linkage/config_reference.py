"""The configuration reference, generated from the closed models: ``docs/configuration.md``."""

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from linkage.estimate.config import EstimateConfig
from linkage.kernel.source_config import SourceConfig
from linkage.match.config import MatchConfig
from linkage.night_config import DistrictConfig, NightConfig
from linkage.portal.access import AccessConfig
from linkage.portal.config import PortalConfig
from linkage.register.config import SurvivorshipConfig
from linkage.release.sharing import SharingConfig
from linkage.resolve.config import ResolveConfig
from linkage.schedule import ScheduleConfig
from linkage.standardise.address_aliases import AddressAliases

FILES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("config/district.yaml", DistrictConfig),
    ("config/night.yaml", NightConfig),
    ("config/schedule.yaml", ScheduleConfig),
    ("config/sources/<department>.yaml", SourceConfig),
    ("config/address_aliases.yaml", AddressAliases),
    ("config/match.yaml", MatchConfig),
    ("config/resolve.yaml", ResolveConfig),
    ("config/estimate.yaml", EstimateConfig),
    ("config/survivorship.yaml", SurvivorshipConfig),
    ("config/sharing.yaml", SharingConfig),
    ("config/access.yaml", AccessConfig),
    ("config/portal.yaml", PortalConfig),
)
HEADER = """# Configuration reference

Generated from the models by `linkage config-reference`; do not edit by hand. Every file is closed: an unknown key
is an error that names the file and the key. A change takes effect with the next night; each run keeps the copy it used
under `state/runs/<run>/config/`.
"""


def render_reference() -> str:
    """The whole reference as Markdown, one section per file, one table per model."""
    parts = [HEADER]
    for path, model in FILES:
        parts.append(f"\n## `{path}`\n\n{_first_line(model)}\n")
        seen: set[type[BaseModel]] = set()
        parts.extend(_tables(model, seen))
    return "\n".join(parts).rstrip() + "\n"


def _tables(model: type[BaseModel], seen: set[type[BaseModel]], title: str | None = None) -> list[str]:
    if model in seen:
        return []
    seen.add(model)
    lines = [f"### {title}\n\n{_first_line(model)}\n"] if title else []
    lines.append("| key | type | default | meaning |\n|---|---|---|---|")
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _cell(_default(field))
        lines.append(
            f"| `{field.alias or name}` | {_cell(_type_name(field.annotation))} | {default} | {_cell(field.description or '')} |"
        )
        nested.extend((name, inner) for inner in _models_in(field.annotation))
    lines.append("")
    for name, inner in nested:
        lines.extend(_tables(inner, seen, f"{name}: {inner.__name__}"))
    return lines


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or isinstance(value, BaseModel):
        return "see below"
    return f"`{value!r}`" if value not in ((), {}, None, "") else "empty"


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(_type_name(a) for a in get_args(annotation) if a is not type(None)) + (
            " (optional)" if type(None) in get_args(annotation) else ""
        )
    if get_args(annotation) and not isinstance(annotation, type):
        inner = ", ".join(
            _type_name(a) if not isinstance(a, str) else a for a in get_args(annotation) if a is not Ellipsis
        )
        name = getattr(get_origin(annotation), "__name__", str(get_origin(annotation)))
        return f"one of {inner}" if name == "Literal" else f"{'list' if name == 'tuple' else name} of {inner}"
    return getattr(annotation, "__name__", str(annotation))


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
