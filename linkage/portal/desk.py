"""One request: who asks, in which language, for which purpose, of which release, and what of it was shown."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request

from linkage.portal.register import Register
from linkage.portal.settings import Settings
from linkage.portal.viewer import Viewer
from linkage.portal.views import View, view_of


class Refused(Exception):
    """The request is refused: HTTP ``status`` and a sentence in both languages. ``hidden`` data answers 404 like data that is not there."""

    def __init__(self, status: int, zh: str, en: str) -> None:
        super().__init__(en)
        self.status, self.zh, self.en = status, zh, en
        self.headers: dict[str, str] = {}
        self.form: tuple[str, dict[str, Any]] | None = None
        """The template that asks again, and its values; it shows the refusal as ``problem``. Left out: the error page."""

    def again(self, template: str, **values: Any) -> "Refused":
        """This refusal, shown on the form that was filled in."""
        self.form = (template, values)
        return self


class NotThere(Refused):
    """There is no such thing, or the viewer may not know of it; both look alike."""

    def __init__(self) -> None:
        super().__init__(404, "没有找到，或不在您的权限范围内。", "Not found, or not within your rights.")


@dataclass
class Desk:
    """What a handler works with. ``saw`` puts on record what the response shows; the guard writes it before the response leaves."""

    settings: Settings
    viewer: Viewer | None
    language: str
    purpose: str | None = None
    purpose_note: str | None = None
    persons: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    details: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    """Rows of persons shown: each person once, whether by the golden record or by values of it."""
    _counted: set[str] = field(default_factory=set)

    @property
    def who(self) -> Viewer:
        """The viewer of a route that needs a login."""
        assert self.viewer is not None
        return self.viewer

    @cached_property
    def register(self) -> Register:
        """The release that is current as this request begins."""
        return self.settings.registers.current()

    def view(self, table: str) -> View:
        """What the viewer sees of ``table``. Raises NotThere when nothing."""
        found = self.view_or_none(table)
        if found is None:
            raise NotThere
        return found

    def view_or_none(self, table: str) -> View | None:
        """What the viewer sees of ``table``, if anything."""
        return view_of(self.who, table, self.settings.sharing)

    def look(
        self,
        table: str,
        where: str = "true",
        tail: str = "",
        about: Collection[str] | None = None,
        **parameters: Any,
    ) -> list[dict[str, Any]]:
        """Rows of ``table`` that the viewer may see and the response shows; put on record. ``about``: as in ``View.rows``."""
        view = self.view(table)
        rows = view.rows(self.register.con, where, tail, about, **parameters)
        self.saw(table, rows, view)
        return rows

    def saw(self, table: str, rows: list[dict[str, Any]], view: View) -> None:
        """Put on record that ``rows`` of ``table`` are shown."""
        if rows:
            self.columns |= {f"{table}.{name}" for name in view.columns}
        persons = {row["person_id"] for row in rows if row.get("person_id")}
        self.persons |= persons
        if table in ("persons", "values"):
            self.rows += len(persons - self._counted)
            self._counted |= persons
        if table == "persons":  # a token may be for columns without the id
            self.rows += sum(not row.get("person_id") for row in rows)

    def t(self, zh: object, en: object) -> object:
        """The text in the request's language."""
        return en if self.language == "en" else zh


def _desk(request: Request) -> Desk:
    desk: Desk = request.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
