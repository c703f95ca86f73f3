-- Two live records that a feed declared free of duplicates holds in one component: held_once(node, feed), joined_nodes(node, component).
-- No cluster reaches beyond its component, so no other pair of the feed can come together.
CREATE OR REPLACE TEMP TABLE duplicate_pairs AS
WITH held AS (SELECT node, feed, component FROM held_once JOIN joined_nodes USING (node) WHERE feed IS NOT NULL)
SELECT l.node AS node_l, r.node AS node_r
FROM held l JOIN held r ON r.component = l.component AND r.feed = l.feed AND l.node < r.node
WHERE NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.node_l = l.node AND v.node_r = r.node AND v.verdict = 'same');

CREATE OR REPLACE TEMP TABLE edges AS
SELECT coalesce(e.node_l, d.node_l) AS node_l, coalesce(e.node_r, d.node_r) AS node_r, e.match_weight, e.rule,
       coalesce(e.must_link, false) AS must_link, coalesce(e.cannot_link, false) OR d.node_l IS NOT NULL AS cannot_link, coalesce(e.joins, false) AS joins
FROM edges e FULL JOIN duplicate_pairs d ON d.node_l = e.node_l AND d.node_r = e.node_r;
