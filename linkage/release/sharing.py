"""The closed model of ``config/sharing.yaml``: who may see what of the register."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.contracts import SharingClass, contract
from linkage.release.scope import Scope

Mask = Literal["name", "number", "phone", "address"]
SECTIONS = ("persons", "households")
# Only three kinds of provision can forbid sharing (order 809, art. 15): a law, an administrative regulation (条例 of the State
# Council, so none of a province or city), a State Council decision or provision. Measures (办法) and departments' rules cannot.
LAW = re.compile(r"《[^》]*(?<![办方做])(法|法典)》")
REGULATION = re.compile(r"《(?![^》]*(省|自治区|自治州|自治县|(?<!城)市))[^》]*条例》")
DECISION = re.compile(r"国务院(关于|《)[^》。；]*(决定|规定)")
ARTICLE = re.compile(r"第[一二三四五六七八九十百零〇0-9]+[条项款]")


def cites_a_law(basis: str) -> bool:
    """Whether ``basis`` names a law, an administrative regulation or a State Council decision, with its article."""
    return bool(ARTICLE.search(basis)) and any(kind.search(basis) for kind in (LAW, REGULATION, DECISION))


class FieldClass(ClosedModel):
    """Sharing class of one field."""

    field: str
    """Field of persons or households."""
    class_: SharingClass = Field(alias="class")
    """无条件共享 unconditional: any department may receive it (never a sensitive field); 有条件共享 conditional: only a
    department with a stated purpose; 不予共享 not_shared: nobody."""
    basis: str
    """Why; for not_shared the law, administrative regulation or State Council decision, by name and article."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        found = [
            spec for spec in (*contract("persons").fields, *contract("households").fields) if spec.name == self.field
        ]
        if not found:
            raise ValueError(f"{self.field}: neither persons nor households has such a field")
        if self.class_ == "unconditional" and any(spec.sensitive for spec in found):
            raise ValueError(f"{self.field} is sensitive and cannot be 无条件共享; make it conditional")
        if self.class_ == "not_shared" and not cites_a_law(self.basis):
            raise ValueError(
                f"{self.field}: 不予共享 must cite a law 《…法》, an administrative regulation 《…条例》 or a State Council decision "
                "国务院…决定/规定, with its article (order 809, art. 15); a department's own rule (办法) does not suffice"
            )
        return self


class DepartmentSharing(ClosedModel):
    """What one department receives."""

    source: str
    """Department, as in config/sources."""
    scope: Literal["own", "all"]
    """own: persons the department has a record of; all: every person."""
    purpose: str = ""
    """What it may be used for; stands in the slice's README. Without one the department receives unconditional fields only."""
    persons: tuple[str, ...]
    """Fields of the persons table, in this order."""
    households: tuple[str, ...] = ()
    """Fields of the households table, in this order."""
    mask: dict[str, Mask] = Field(default_factory=dict)
    """Fields shown in part, wherever they are delivered."""

    def fields(self, table: str) -> tuple[str, ...]:
        """The fields of ``table`` (persons or households) that the department receives."""
        return self.persons if table == "persons" else self.households

    def rows(self, area: tuple[str, str] | None = None) -> Scope:
        """The rows that the department receives, or an account of it that is bound to ``area`` (a column of persons and its value)."""
        return Scope(self.source, self.scope == "own", area)

    def masks(self, columns: Iterable[str]) -> dict[str, str]:
        """Of ``columns`` those that are shown in part, with their masks."""
        return {name: self.mask[name] for name in columns if name in self.mask}

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        texts = set()
        for table in SECTIONS:
            spec, fields = contract(table), self.fields(table)
            if unknown := set(fields) - set(spec.column_names):
                raise ValueError(f"{self.source}: {table} has no fields {_names(unknown)}")
            if doubled := _doubled(fields):
                raise ValueError(f"{self.source}: {table} names {_names(doubled)} twice")
            texts |= {name for name in fields if spec.field(name).type == "VARCHAR"}
        if unknown := set(self.mask) - texts:
            raise ValueError(f"{self.source}: mask names {_names(unknown)}, which it does not receive as text")
        return self


class SharingConfig(ClosedModel):
    """What each department may see."""

    xlsx_maximum_rows: int = Field(default=50_000, ge=0)
    """Tables with more rows are not delivered as XLSX."""
    classes: tuple[FieldClass, ...] = ()
    """Sharing class by field, where it differs from the table contract."""
    departments: tuple[DepartmentSharing, ...]
    """One entry per department that receives a slice."""

    def sharing_class(self, table: str, field: str) -> SharingClass:
        """The field's class here, else the one in its table contract."""
        named = {entry.field: entry.class_ for entry in self.classes}
        return named.get(field, contract(table).field(field).sharing)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if doubled := _doubled(entry.field for entry in self.classes):
            raise ValueError(f"classes names {_names(doubled)} twice")
        if doubled := _doubled(department.source for department in self.departments):
            raise ValueError(f"departments names {_names(doubled)} twice")
        return self

    @model_validator(mode="after")
    def _as_the_classes_say(self) -> Self:
        for department in self.departments:
            classes = {
                field: self.sharing_class(table, field) for table in SECTIONS for field in department.fields(table)
            }
            if found := [field for field, class_ in classes.items() if class_ == "not_shared"]:
                raise ValueError(f"{department.source} would receive {_names(found)}, which is 不予共享")
            found = [field for field, class_ in classes.items() if class_ == "conditional"]
            if found and not department.purpose.strip():
                raise ValueError(
                    f"{department.source} would receive {_names(found)}, which is 有条件共享, without a purpose"
                )
        return self


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
