"""Pages: Jinja2 templates in the request's language."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from linkage.explain.veil import decoded
from linkage.kernel.contracts import contract, contract_names
from linkage.portal.desk import Desk
from linkage.portal.words import words_of
from linkage.report.page import SOURCES, number, percent


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("linkage.portal", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"n": number, "pct": percent, "bytes": size}
    return environment


def size(count: int) -> str:
    """Bytes for people: 1.4 MB."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count} B"


def page(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """The page ``templates/<template>``. Templates know ``desk``, ``t(zh, en)``, ``source(name)``, ``decoded(field, code)``, ``field(table, name)``, ``field_table(table)``,
    ``path``, ``local(moment)``, ``department(name)`` and ``role_name(role)``."""
    desk: Desk = request.state.desk
    english = desk.language == "en"
    portal = desk.settings.portal

    def source(name: str) -> str:
        zh, en = SOURCES.get(name, (name, name))
        return en if english else zh

    def code_name(field: str, code: str) -> str:
        return decoded(field, code, english=english)

    def field(table: str, name: str) -> str:
        fields = contract(table).fields if table in contract_names() else ()
        found = next((f for f in fields if f.name == name), None)
        return name.replace("_", " ") if english or found is None else found.zh

    def field_table(name: str) -> str:
        # A token may name a table that an upgrade has taken away.
        return name.replace("_", " ") if english or name not in contract_names() else contract(name).zh

    text = _environment().get_template(template).render(
        desk=desk, viewer=desk.viewer, t=desk.t, decoded=code_name, source=source, field=field, field_table=field_table, path=request.url.path, english=english,
        title=portal.title_en if english else portal.title_zh, purpose=portal.purpose(desk.purpose), **words_of(desk), **values,
    )  # fmt: skip
    return HTMLResponse(text, status_code=status, headers=dict(headers or {}))
