"""What kinds of cases, verdicts and reasons are called, and what is asked in each."""

from typing import NamedTuple


class Kind(NamedTuple):
    """Name and question of a kind of case."""

    zh: str
    en: str
    asks_zh: str
    asks_en: str


KINDS: dict[str, Kind] = {
    "possible_death": Kind(
        "生死不一", "possible death",
        "各记录对此人是否在世说法不一。都是同一人吗？若死亡记录属于另一人，请移出。",
        "Records disagree whether this person is alive. Are all of one person? If the death is somebody else's, move it out.",
    ),
    "contradicted_judgement": Kind(
        "判定互相矛盾", "contradicting judgements",
        "先前的判定互相矛盾，请重新裁定这些记录。", "Earlier judgements contradict each other; decide anew about these records.",
    ),
    "constraint_conflict": Kind(
        "约束冲突", "constraint conflict",
        "证据把两人拉到一起，但有约束不许合并。是同一人吗？", "Evidence pulls two persons together, a constraint forbids it. One person?",
    ),
    "two_good_numbers": Kind(
        "两个有效号码", "two good numbers", "各有一个有效而不同的证件号码。是同一人吗？", "Each has a good number and they differ. One person?",
    ),
    "oversized_cluster": Kind(
        "一人记录过多", "too many records", "这么多记录都是一人的吗？若不是，请分组。", "Are so many records of one person? If not, split them into groups.",
    ),
    "stale_judgement": Kind(
        "判定待重新核对", "judgement to look at again", "先前判定过的记录变了或找不到了。现在怎么看？", "Records judged before changed or are gone. What now?",
    ),
    "duplicate_in_feed": Kind(
        "来源内疑似重复", "double record in a feed", "该来源声明一人一条，这两条却很像。是同一人吗？", "The feed holds a person once, yet these two look alike. One person?",
    ),
    "weak_bridge": Kind(
        "弱关联相连", "weak bridge", "仅靠弱关联连成一人。都是同一人吗？若不是，请分组。", "Only weak pairs hold this person together. If it is not one, split it into groups.",
    ),
    "twins": Kind("守卫提示（双胞胎等）", "guard spoke (twins and the like)", "守卫提示可能是两个人。是同一人吗？", "A guard says these may be two. One person?"),
    "weight_between_thresholds": Kind(
        "权重介于两线之间", "weight between thresholds", "证据不足以由机器决定。是同一人吗？", "Not enough evidence for the machine. One person?",
    ),
    "quality_sample": Kind("质量抽查", "quality sample", "盲评：这两条记录是同一人吗？", "Read blind: are these two records one person?"),
}  # fmt: skip

VERDICTS: dict[str, tuple[str, str]] = {
    "same": ("同一人", "same person"),
    "different": ("不同人", "different persons"),
    "unsure": ("不能确定", "unsure"),
    "groups": ("分组", "split into groups"),
    "move": ("移出记录", "move records out"),
    "undo": ("撤销", "undone"),
}

REASONS: dict[str, tuple[str, str]] = {
    "as_shown": ("按页面所示各项判断", "as the page shows"),
    "paper": ("看过原始材料", "papers were seen"),
    "asked_department": ("已向来源部门核实", "the department was asked"),
    "asked_resident": ("已向本人或家属核实", "the resident or family was asked"),
    "wrong_number": ("证件号码误录或误用", "a number was mistyped or is another's"),
    "relatives": ("是亲属（双胞胎、父子等）", "relatives (twins, parent and child)"),
    "other": ("其他（请说明）", "other (say which)"),
}


def reason_text(code: str, note: str) -> str | None:
    """The reason as it is kept, in Chinese with the steward's own words; None when it says nothing."""
    words = note.strip()
    if code not in REASONS or (code == "other" and not words):
        return None
    return f"{REASONS[code][0]}：{words}" if words else REASONS[code][0]
