"""The report's pages: Jinja2 templates over measures, self-contained, in Chinese with an English switch."""

from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

SOURCES = {
    "all": ("全部", "all"),
    "police": ("公安", "police"),
    "civil": ("民政", "civil"),
    "health": ("卫健", "health"),
    "grid": ("网格", "grid"),
}


def render(template: str, **values: Any) -> str:
    """Render ``templates/<template>``; every value is escaped."""
    folder = files("linkage.report") / "templates"
    sources = {
        p.name: p.read_text(encoding="utf-8") for p in folder.iterdir() if p.name.endswith((".html", ".css", ".js"))
    }
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"t": bilingual, "source_name": source_name}
    environment.filters |= {"n": number, "pct": percent}
    return environment.get_template(template).render(**values)


def bilingual(zh: object, en: object) -> Markup:
    """A text in both languages; the page shows one."""
    return Markup('<span class="zh">{}</span><span class="en" lang="en">{}</span>').format(zh, en)


def source_name(source: str) -> Markup:
    """A department's name in both languages."""
    return bilingual(*SOURCES.get(source, (source, source)))


def number(value: Any) -> str:
    """1,234 or 1,234.5; an empty value is a dash."""
    if value is None or value == "":
        return "–"
    return f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"


def percent(value: Any, digits: int = 1) -> str:
    """A share as percent."""
    return "–" if value is None else f"{100 * float(value):.{digits}f}%"
