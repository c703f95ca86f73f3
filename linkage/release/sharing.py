"""The closed model of ``config/sharing.yaml``: who may see what of the register."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from linkage.kernel.config import ClosedModel
from linkage.kernel.contracts import contract

Mask = Literal["name", "number", "phone", "address"]
# A law, an administrative regulation or a State Council decision, by name: 《…法》, 《…条例》, 国务院…决定 (order 809, art. 15).
CITATION = re.compile(r"《[^》]*(法|条例|规定|决定)》|国务院.*决定")


class FieldClass(ClosedModel):
    """Sharing class of one field."""

    field: str
    """Field of persons or households."""
    class_: Literal["unconditional", "conditional", "not_shared"] = Field(alias="class")
    """无条件共享, 有条件共享 or 不予共享."""
    basis: str
    """Why; for not_shared the law, administrative regulation or State Council decision, by name."""

    @model_validator(mode="after")
    def _cites_a_law(self) -> Self:
        if self.class_ == "not_shared" and not CITATION.search(self.basis):
            raise ValueError(
                f"{self.field}: 不予共享 must cite a law, an administrative regulation or a State Council decision (order 809, art. 15)"
            )
        return self


class DepartmentSharing(ClosedModel):
    """What one department receives."""

    source: str
    """Department, as in config/sources."""
    scope: Literal["own", "all"]
    """own: persons the department has a record of; all: every person."""
    purpose: str
    """What it may be used for; stands in the slice's README."""
    persons: tuple[str, ...]
    """Fields of the persons table, in this order."""
    households: tuple[str, ...] = ()
    """Fields of the households table, in this order."""
    mask: dict[str, Mask] = Field(default_factory=dict)
    """Fields shown in part."""

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        for table, fields in (("persons", self.persons), ("households", self.households)):
            unknown = set(fields) - set(contract(table).column_names)
            if unknown:
                raise ValueError(f"{self.source}: {table} has no fields {', '.join(sorted(unknown))}")
        return self


class SharingConfig(ClosedModel):
    """What each department may see."""

    xlsx_maximum_rows: int = 50_000
    """Tables with more rows are not delivered as XLSX."""
    classes: tuple[FieldClass, ...] = ()
    """Sharing class by field, where it differs from the table contract."""
    departments: tuple[DepartmentSharing, ...]
    """One entry per department that receives a slice."""

    @model_validator(mode="after")
    def _nothing_forbidden(self) -> Self:
        forbidden = {c.field for c in self.classes if c.class_ == "not_shared"}
        for department in self.departments:
            if found := forbidden & {*department.persons, *department.households}:
                raise ValueError(f"{department.source} would receive {', '.join(sorted(found))}, which is 不予共享")
        return self
