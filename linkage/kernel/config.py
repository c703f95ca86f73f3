"""Configuration is closed and explained: YAML read into models that refuse unknown keys."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from linkage.kernel.errors import ConfigurationError


class ClosedModel(BaseModel):
    """Base of every configuration model: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Model = TypeVar("Model", bound=BaseModel)


# libyaml reads the same some ten times as fast; PyYAML may have been built without it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """The content of a YAML document. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)


def read_yaml(path: Path) -> Any:
    """Parse a YAML file. Raises ConfigurationError when it is missing or is not YAML."""
    if not path.is_file():
        raise ConfigurationError(
            f"Configuration file {path} does not exist.",
            remedy="Check --config, or copy the file from config/ of gridroll.",
        )
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not readable YAML: {error}", remedy="Correct the line named above."
        ) from error


def read_config(path: Path, model: type[Model]) -> Model:
    """Read ``path`` into ``model``. Raises ConfigurationError that names file, key and remedy."""
    data = read_yaml(path)
    try:
        return model.model_validate(data if data is not None else {})
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(p) for p in e['loc']) or '(file)'}: {e['msg']}"
            for e in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigurationError(
            f"{path} is not a valid {model.__name__}:\n" + "\n".join(lines),
            remedy="Correct the keys named above; docs/configuration.md lists every key.",
        ) from None
