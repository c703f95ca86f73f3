"""Feeds declared free of duplicates: two live records of such a feed are never one person, whatever third record bridges them."""

import numpy as np
import pyarrow as pa

from linkage.kernel.engine import Engine
from linkage.kernel.link_policy import LinkPolicy
from linkage.resolve.clusters import components

SQL_PACKAGE = "linkage.resolve"


def forbid_duplicates(engine: Engine, policy: LinkPolicy) -> None:
    """Mark in ``edges`` every two live records of one declared feed that joining pairs would bring together.

    Leaves ``duplicate_pairs(node_l, node_r)``. A judgement 'same' about two records is stronger than the declaration.
    """
    engine.con.execute(
        f"CREATE OR REPLACE TEMP TABLE held_once AS SELECT n.node, {policy.held_once_sql('r')} AS feed FROM common_records r JOIN nodes n USING (record_key)"
    )
    joining = engine.arrow("SELECT node_l, node_r FROM edges WHERE joins AND NOT cannot_link")
    size = int(engine.scalar("SELECT count(*) FROM nodes"))
    label = components(
        size, joining["node_l"].to_numpy().astype(np.int64), joining["node_r"].to_numpy().astype(np.int64)
    )
    engine.load_arrow("joined_nodes", pa.table({"node": np.arange(size), "component": label}))
    engine.run_sql(SQL_PACKAGE, "duplicate_pairs")
