"""An evaluation as tables for the terminal."""

from rich.console import Group
from rich.table import Table

from linkage.evaluate.score import Evaluation


def render(evaluation: Evaluation) -> Group:
    """Tables of persons by subgroup, households and golden fields."""
    persons = Table(
        title=f"Persons: {evaluation.records:,} records, {evaluation.records_missing:,} of the truth not held"
    )
    for name in ("group", "persons", "pair precision", "pair recall", "pair F1", "B³ P", "B³ R", "exactly right"):
        persons.add_column(name, justify="left" if name == "group" else "right")
    for name, g in sorted(evaluation.groups.items(), key=lambda item: (item[0] != "all", item[0])):
        figures = (g.pairs.precision, g.pairs.recall, g.pairs.f1, g.b_cubed_precision, g.b_cubed_recall, g.exact_share)
        persons.add_row(name, f"{g.persons:,}", *(f"{f:.5f}" for f in figures))
    households = Table(title="Households (pairs of persons)")
    for name in ("kind", "precision", "recall", "F1"):
        households.add_column(name, justify="left" if name == "kind" else "right")
    for name, score in evaluation.households.items():
        households.add_row(name, f"{score.precision:.5f}", f"{score.recall:.5f}", f"{score.f1:.5f}")
    fields = Table(title="Golden fields")
    for name in ("field", "filled", "right of filled"):
        fields.add_column(name, justify="left" if name == "field" else "right")
    for name, f in evaluation.fields.items():
        fields.add_row(name, f"{f.filled_share:.4f}", f"{f.correct_share:.5f}")
    return Group(persons, households, fields)
