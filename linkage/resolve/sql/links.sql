-- Each record's person, and the strongest pair that holds it there.
CREATE OR REPLACE TEMP TABLE links AS
WITH held AS (
    SELECT node_l AS node, node_r AS other, match_weight, rule, must_link FROM edges WHERE joins AND NOT cannot_link
    UNION ALL
    SELECT node_r, node_l, match_weight, rule, must_link FROM edges WHERE joins AND NOT cannot_link
), strongest AS (
    SELECT h.node, arg_max(struct_pack(other := o.record_key, weight := h.match_weight, rule := h.rule, must_link := h.must_link),
                           (h.match_weight, -h.other)) AS best
    FROM held h JOIN clustered_nodes n ON n.node = h.node JOIN clustered_nodes o ON o.node = h.other
    WHERE n.cluster = o.cluster GROUP BY h.node
)
SELECT p.source, p.feed, p.record_id, p.record_key, p.person_id,
       CASE WHEN s.best IS NULL THEN 'single' WHEN s.best.must_link THEN 'judgement' ELSE 'match' END AS link_kind,
       s.best.rule AS link_rule, round(s.best.weight, 3) AS link_match_weight, s.best.other AS linked_to,
       CASE WHEN s.best IS NULL THEN 1.0 ELSE round(1 / (1 + pow(2, -least(s.best.weight, 50))), 6) END AS confidence, p.content_hash
FROM person_nodes p LEFT JOIN strongest s USING (node);
