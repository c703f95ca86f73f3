"""The tables that `linkage evaluate` prints."""

from rich.console import Console

from linkage.evaluate.measures import Evaluation, FieldScore, GroupScore, PairScore
from linkage.evaluate.text import render

GROUP = GroupScore(
    persons=1_234_567,
    exact_persons=1_000_000,
    pairs=PairScore(3, 1, 2),
    b_cubed_precision=0.5,
    b_cubed_recall=0.25,
    households={"hukou": PairScore(1, 0, 1)},
    fields={"full_name": FieldScore(10, 8, 6), "sex": FieldScore(10, 0, 0)},
)


def text_of(evaluation: Evaluation) -> str:
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(render(evaluation))
    return capture.get()


def test_every_figure_fits_into_80_columns() -> None:
    text = text_of(Evaluation(12_345_678, 1, 2, {"all": GROUP, "around_twins": GROUP}))
    assert "…" not in text
    for figure in ("12,345,678", "1,234,567", "0.7500", "0.6000", "0.3333", "81.00%", "80.0%"):
        assert figure in text
    assert "双胎之家" in text


def test_links_alone_print_no_empty_tables() -> None:
    links = GroupScore(1, 1, PairScore(0, 0, 0), 1.0, 1.0, {}, {})
    text = text_of(Evaluation(1, 0, 0, {"all": links}))
    assert "households" not in text and "golden" not in text
