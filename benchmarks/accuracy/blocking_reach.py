"""How far each blocking rule reaches: its pairs, and the share of the true pairs it finds alone and only it finds."""

from pathlib import Path

from linkage.kernel.config import read_config
from linkage.kernel.engine import Engine, quote_name
from linkage.match.config import BlockingRuleConfig, MatchConfig
from linkage.match.features import add_blocking_columns, add_term_frequencies, make_features

HEADER = (
    "| blocking rule | pairs | true pairs reached | only by it | largest block | limit |\n|---|---|---|---|---|---|"
)


def blocking_reach(run: Path, truth: Path, config_path: Path) -> str:
    """A Markdown table over the standardised records of ``run``; a block above its rule's limit is left out of the rule."""
    config = read_config(config_path, MatchConfig)
    with Engine() as engine:
        make_features(engine, run / "gate_incoming" / "common_records.parquet", config.features)
        add_term_frequencies(engine, ())
        largest = add_blocking_columns(engine, config.blocking)
        reached = ", ".join(f"coalesce({_agree_sql(r)}, false) AS {quote_name(r.name)}" for r in config.blocking)
        engine.con.execute(
            f"""CREATE TEMP TABLE reached AS
            WITH people AS (SELECT m.*, t.true_person_id FROM match_input m JOIN read_parquet('{truth}/records.parquet') t ON t.source || ':' || t.record_id = m.record_key)
            SELECT {reached} FROM people l JOIN people r ON l.true_person_id = r.true_person_id AND l.unique_id < r.unique_id"""
        )
        names = [quote_name(rule.name) for rule in config.blocking]
        rules_of_pair = " + ".join(f"CAST({name} AS INTEGER)" for name in names)
        true_pairs, found = engine.con.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {rules_of_pair} > 0) FROM reached"
        ).fetchall()[0]
        lines = [HEADER]
        for rule, name in zip(config.blocking, names, strict=True):
            alone, only = engine.con.execute(
                f"SELECT count(*) FILTER (WHERE {name}), count(*) FILTER (WHERE {name} AND {rules_of_pair} = 1) FROM reached"
            ).fetchall()[0]
            pairs = engine.scalar(f"SELECT count(*) FROM ({_pairs_sql(rule)})")
            lines.append(
                f"| {rule.name} | {pairs:,} | {100 * alone / true_pairs:.2f} % | {only:,} | {largest[rule.name]:,} | {rule.largest_block:,} |"
            )
        lines.append(f"| all together | | {100 * found / true_pairs:.3f} % of {true_pairs:,} | | | |")
    return "\n".join(lines)


def _agree_sql(rule: BlockingRuleConfig) -> str:
    block = quote_name(f"block_{rule.name}")
    return f"list_has_any(l.{block}, r.{block})" if rule.explode else f"l.{block} = r.{block}"


def _pairs_sql(rule: BlockingRuleConfig) -> str:
    block = quote_name(f"block_{rule.name}")
    side = f"SELECT unique_id, {f'unnest({block})' if rule.explode else block} AS key FROM match_input"
    return f"SELECT DISTINCT l.unique_id, r.unique_id FROM ({side}) l JOIN ({side}) r ON l.key = r.key AND l.unique_id < r.unique_id"
