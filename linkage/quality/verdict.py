"""From single results to the gate's word: pass, warn or stop, with the sentences that say why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linkage.kernel.run import Summary
from linkage.quality.gate import Outcome


@dataclass(frozen=True)
class Verdict:
    """What a gate decides. Reasons are pairs (Chinese, English); they name rules and files, never a person."""

    stops: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]
    rule_warnings: int
    """Table rules that warn; set-aside records and signals are counted apart."""

    @property
    def word(self) -> str:
        return "stop" if self.stops else "warn" if self.warnings else "pass"

    def summary(self) -> Summary:
        """For ``_stage.json``: the verdict, its reasons, and how many rules warn."""
        return {
            "verdict": self.word,
            "stops": len(self.stops),
            "warnings": self.rule_warnings,
            "reasons_zh": [zh for zh, _ in self.stops],
            "reasons_en": [en for _, en in self.stops],
            "warnings_zh": [zh for zh, _ in self.warnings],
            "warnings_en": [en for _, en in self.warnings],
        }


def decide(outcomes: Sequence[Outcome], signals: Sequence[Mapping[str, Any]] = ()) -> Verdict:
    """The verdict of all rules and of the departments' signals (rows of the signals contract, warn or stop)."""
    stops = [_signal_reason(s) for s in signals if s["severity"] == "stop"]
    stops += [_rule_reason(o) for o in outcomes if o.verdict == "stop"]
    warned = [o for o in outcomes if o.verdict == "warn"]
    warnings = [_rule_reason(o) for o in warned] + [_signal_reason(s) for s in signals if s["severity"] == "warn"]
    return Verdict(
        stops=tuple(stops),
        warnings=tuple(warnings),
        rule_warnings=sum(o.rule.meta.on_failure != "set_aside" for o in warned),
    )


def _rule_reason(outcome: Outcome) -> tuple[str, str]:
    meta = outcome.rule.meta
    where = f"{outcome.suite.name}.{outcome.rule.name}"
    if outcome.error:
        return (
            f"{where}：无法计算（{outcome.error}），按停止处理；检查该规则与表的字段",
            f"{where}: could not be evaluated ({outcome.error}), so the night stops; check the rule and the table",
        )
    return (
        f"{where}：{meta.zh}；实测 {outcome.observed}，限值 {outcome.limit}",
        f"{where}: {meta.en}; observed {outcome.observed}, limit {outcome.limit}",
    )


def _signal_reason(signal: Mapping[str, Any]) -> tuple[str, str]:
    where = " ".join(str(signal[key]) for key in ("source", "feed", "file") if signal[key])
    return f"{where}：{signal['message']}", f"{where}: {signal['message_en']}"
