"""How values are shown to a department: masks, and cells that a spreadsheet would run as a formula (OWASP: CSV injection)."""

from linkage.kernel.engine import quote_name, quote_text

# A spreadsheet passes over blanks and invisible characters before it looks for a formula sign; full-width and small forms count too.
FORMULA_START = r"^[\t\r\n]|^[\s\p{Z}\p{Cf}\p{Cc}]*[=+\-@＝＋－＠﹦﹢﹣﹫]"


def shown_sql(field: str, mask: str | None) -> str:
    """SQL that shows the column ``field`` under ``mask`` (config/sharing.yaml; None: as it is)."""
    name = quote_name(field)
    match mask:
        case "name":
            return _masked_sql(name, show_from=2, first=1, last=0)
        case "number":
            return f"CASE WHEN length({name}) >= 15 THEN {_masked_sql(name, show_from=15, first=3, last=4)} ELSE {_masked_sql(name, show_from=8, first=1, last=2)} END"
        case "phone":
            return _masked_sql(name, show_from=11, first=3, last=4)
        case "address":
            return f"regexp_extract({name}, '^.*?(街道|镇|乡)')"
        case _:
            return name


def _masked_sql(name: str, *, show_from: int, first: int, last: int) -> str:
    """The first and last characters with stars between; a value shorter than ``show_from`` characters becomes stars alone."""
    return (
        f"CASE WHEN length({name}) < {show_from} THEN repeat('*', length({name})) "
        f"ELSE left({name}, {first}) || repeat('*', length({name}) - {first + last}) || right({name}, {last}) END"
    )


def safe_sql(field: str) -> str:
    """SQL of the column ``field`` as text with an apostrophe in front of what a spreadsheet would run."""
    text = f"CAST({quote_name(field)} AS VARCHAR)"
    return f"CASE WHEN regexp_matches({text}, {quote_text(FORMULA_START)}) THEN '''' || {text} ELSE {text} END"
