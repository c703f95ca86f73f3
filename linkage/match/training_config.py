"""The closed models of ``labels`` and ``training`` in ``config/match.yaml``."""

from pydantic import Field

from linkage.kernel.config import ClosedModel


class LabelConfig(ClosedModel):
    """Pairs that are surely one person by something which the comparison trained on them does not look at."""

    name: str
    """Short name; ``train_m_on`` and ``prior_labels`` refer to it."""
    zh: str = ""
    """Chinese, for the report."""
    en: str = ""
    """English."""
    key: str
    """SQL over the features: records with an equal key are taken as one person; NULL takes no part."""
    sparing: str | None = None
    """Feature that careful records carry. Of the records that have it one of each group counts, not all, so that mistakes are
    learned where they matter: on records without it. A group with two values of it is no person and is left out."""


class Training(ClosedModel):
    """How the model is learned, without knowing any truth."""

    seed: int = 1
    """Seed of the random sample."""
    random_pairs: int = 10_000_000
    """Pairs drawn at random to learn u."""
    prior_labels: tuple[str, ...] = Field(min_length=1)
    """Labels whose pairs, together, give the prior: how many pairs are matches at all."""
    prior_recall: float = Field(default=0.5, gt=0, le=1)
    """Expected share of all true pairs that ``prior_labels`` find."""
    smallest_probability: float = 1e-6
    """A level never seen among random pairs gets this probability, so that no weight is infinite."""
    smallest_m: float = 0.0005
    """A level never seen among matches gets this probability: a mistake nobody made yet is rare, not impossible."""
    person_like_key: str = "unique_id"
    """SQL over the features: records with an equal key count once for term frequencies."""
    expectation_maximisation: tuple[tuple[str, ...], ...] = ()
    """For comparisons without a label: each list of features is a blocking rule, over whose pairs m is learned for the comparisons
    that do not look at these features. Together the lists must leave every such comparison out at least once."""
