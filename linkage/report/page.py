"""The report's pages: Jinja2 templates over measures. In the run's folder they are self-contained, in Chinese with an English switch; the portal
shows their sections in one language, with its own styles and no code."""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

Language = Literal["zh", "en"]
SOURCES = {
    "all": ("全部", "all"),
    "police": ("公安", "police"),
    "civil": ("民政", "civil"),
    "health": ("卫健", "health"),
    "grid": ("网格", "grid"),
}


def render(template: str, *, language: Language | None = None, **values: Any) -> str:
    """Render ``templates/<template>``; every value is escaped. Without ``language`` texts stand in both, and the page shows one."""
    return _environment(language).get_template(template).render(**values)


@cache
def _environment(language: Language | None) -> Environment:
    environment = Environment(
        loader=DictLoader({name: template_text(name) for name in _names()}),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def t(zh: object, en: object) -> object:
        return bilingual(zh, en) if language is None else en if language == "en" else zh

    def source_name(source: str) -> object:
        return t(*SOURCES.get(source, (source, source)))

    environment.globals |= {"t": t, "source_name": source_name}
    environment.filters |= {"n": number, "pct": percent}
    return environment


def _names() -> list[str]:
    folder = files("linkage.report") / "templates"
    return [p.name for p in folder.iterdir() if p.name.endswith((".html", ".css", ".js"))]


def template_text(name: str) -> str:
    """The text of ``templates/<name>``: a template, a style sheet or a script."""
    return (files("linkage.report") / "templates" / name).read_text(encoding="utf-8")


def bilingual(zh: object, en: object) -> Markup:
    """A text in both languages; the page shows one."""
    return Markup('<span class="zh">{}</span><span class="en" lang="en">{}</span>').format(zh, en)


def number(value: Any) -> str:
    """1,234 or 1,234.5; an empty value is a dash."""
    if value is None or value == "":
        return "–"
    return f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"


def percent(value: Any, digits: int = 1) -> str:
    """A share as percent."""
    return "–" if value is None else f"{100 * float(value):.{digits}f}%"
