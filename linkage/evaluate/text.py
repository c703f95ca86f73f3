"""An evaluation as tables for the terminal, narrow enough for 80 columns."""

from collections.abc import Callable, Iterable

from rich import box
from rich.console import Group
from rich.table import Table

from linkage.evaluate.measures import Evaluation, GroupScore

FIELDS = {
    "full_name": "姓名\nname",
    "birth_date": "生日\nbirth",
    "identity_number": "证号\nnumber",
    "sex": "性别\nsex",
    "ethnicity": "民族\nethn.",
    "phone": "电话\nphone",
    "hukou_address": "户籍址\nhukou",
    "residence_address": "现住址\nliving",
}
HOUSEHOLDS = {
    "hukou": "户籍户\nhukou",
    "hukou_living": "在世者\nalive",
    "residence": "居住户\nliving",
    "residence_recorded": "有记载\nrecorded",
}
GROUPS = {
    "all": "全部 all",
    "minority": "民族 minority",
    "under_1": "婴儿 under 1",
    "over_80": "八旬 over 80",
    "twins": "双胞胎 twins",
    "around_twins": "双胎之家 home",
    "migrant": "外来 migrant",
    "foreign": "境外 foreign",
    "without_number": "无证号 no id",
    "lives_elsewhere": "人户分离 apart",
}


def render(evaluation: Evaluation) -> Group:
    """Tables of persons, households and golden fields, one line a subgroup."""
    tables = [_persons(evaluation)]
    overall = evaluation.groups.get("all")
    if overall and overall.households:
        tables.append(_households(evaluation))
    if overall and overall.fields:
        tables.append(_fields(evaluation, overall))
    return Group(*tables)


def _table(
    title: str, columns: Iterable[str], evaluation: Evaluation, cells: Callable[[GroupScore], list[str]]
) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("组 group", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, group in evaluation.groups.items():
        table.add_row(GROUPS.get(name, name), *cells(group))
    return table


def _persons(evaluation: Evaluation) -> Table:
    def cells(group: GroupScore) -> list[str]:
        pairs = group.pairs
        shares = (
            pairs.precision,
            pairs.recall,
            pairs.f1,
            group.b_cubed_precision,
            group.b_cubed_recall,
            group.b_cubed_f1,
        )
        return [f"{group.persons:,}", *(f"{share:.4f}" for share in shares), f"{group.exact_share:.2%}"]

    title = (
        f"人员 persons: {evaluation.records:,} 条记录 records, 缺失 missing {evaluation.records_missing:,}, "
        f"真值未载 unknown {evaluation.records_unknown:,}"
    )
    columns = ("人数\npersons", "对 pair\nP", "\nR", "\nF1", "B³\nP", "\nR", "\nF1", "全对\nexact")
    return _table(title, columns, evaluation, cells)


def _households(evaluation: Evaluation) -> Table:
    def cells(group: GroupScore) -> list[str]:
        made: list[str] = []
        for measure in HOUSEHOLDS:
            score = group.households.get(measure)
            made += [f"{score.precision:.4f}", f"{score.recall:.4f}"] if score else ["-"] * 2
        return made

    columns = [
        f"{name}\n{share}" if share == "P" else f"\n\n{share}" for name in HOUSEHOLDS.values() for share in ("P", "R")
    ]
    return _table("家庭 households: 同户人员对 pairs of persons", columns, evaluation, cells)


def _fields(evaluation: Evaluation, overall: GroupScore) -> Table:
    def cells(group: GroupScore) -> list[str]:
        scores = (group.fields.get(field) for field in FIELDS)
        return [f"{score.right_of_filled:.4f}" if score and score.filled else "-" for score in scores]

    table = _table("最优值 golden fields: 有值者正确率 right of filled", FIELDS.values(), evaluation, cells)
    table.add_section()
    filled = (overall.fields.get(field) for field in FIELDS)
    table.add_row("填充率 filled", *(f"{score.filled_share:.1%}" if score else "-" for score in filled))
    return table
