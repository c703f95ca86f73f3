"""Table contracts: one definition of each table that crosses a stage, and of each of its fields.

The definitions are data (``contracts/*.yaml``). From them come the Parquet schema, the checks on
writing, the catalogue and the documentation.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from linkage.kernel.config import parse_yaml
from linkage.kernel.errors import ConfigurationError

SharingClass = Literal["unconditional", "conditional", "not_shared"]


OPEN_STRUCT = "STRUCT"
"""The type of a column whose parts are not the contract's to name: one for each comparison of the model, say."""


class Field(BaseModel):
    """One column: ``type`` is a DuckDB type, or ``OPEN_STRUCT``; ``sensitive`` values never leave the stewards' pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: str
    zh: str
    en: str
    standard: str | None = None
    unit: str | None = None
    sharing: SharingClass = "conditional"
    sensitive: bool = False
    nullable: bool = True


class TableContract(BaseModel):
    """A named table with its key (the columns that identify a row; rows are written in key order)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    zh: str
    en: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


@cache
def contract(table: str) -> TableContract:
    """Return the contract of ``table``. Raises ConfigurationError if there is none."""
    path = files("linkage.kernel") / "contracts" / f"{table}.yaml"
    if not path.is_file():
        raise ConfigurationError(
            f"There is no table contract named {table!r}.",
            remedy=f"Known tables: {', '.join(contract_names())}.",
        )
    return TableContract.model_validate(parse_yaml(path.read_text(encoding="utf-8")))


@cache
def contract_names() -> tuple[str, ...]:
    """Names of all table contracts, sorted."""
    folder = files("linkage.kernel") / "contracts"
    return tuple(sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml")))
