-- How tonight's linked pairs agree: pairs by comparison level and by band of weight, of all and of each feed that takes part in them, and how many more
-- lie between the thresholds. Behind tonight stand the nights before under the same model, as the run before counted them.
-- Reads scored_pairs, match_features, comparison_levels, counts_before. $night, $nights, $model_id, $join_match_weight, $review_match_weight, $edges (of
-- the bands, in bits), $cannot_link_guards
-- Most pairs agree in one of a few thousand ways: these are counted first.
CREATE OR REPLACE TEMP TABLE kinds_of_pairs AS
SELECT l.feed AS feed_l, r.feed AS feed_r, p.levels, p.match_weight >= $join_match_weight AS joins, len(list_filter($edges, lambda e: p.match_weight >= e)) AS band, count(*) AS pairs
FROM scored_pairs p JOIN match_features l ON l.record_key = p.record_key_l JOIN match_features r ON r.record_key = p.record_key_r
WHERE p.match_weight >= $review_match_weight AND NOT list_has_any(p.guards, $cannot_link_guards)
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE counted_levels AS
WITH found AS (
    SELECT feed_l, feed_r, comparison, CAST(levels AS MAP(VARCHAR, INTEGER))[comparison] AS gamma, pairs
    FROM kinds_of_pairs, (SELECT DISTINCT comparison FROM comparison_levels WHERE comparison NOT IN ('match_weight', 'between_thresholds')) WHERE joins
    UNION ALL
    SELECT feed_l, feed_r, 'match_weight', band, pairs FROM kinds_of_pairs WHERE joins
    UNION ALL
    SELECT feed_l, feed_r, 'between_thresholds', CAST(NOT joins AS INTEGER), pairs FROM kinds_of_pairs
), sides AS (
    SELECT unnest(list_distinct(['all', feed_l, feed_r])) AS feed, comparison, gamma, pairs FROM found
)
SELECT feed, comparison, gamma, sum(pairs) AS pairs FROM sides GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE level_counts AS
SELECT CAST($night AS DATE) AS night, $model_id AS model_id, feed, comparison, position, level, pairs
FROM counted_levels JOIN comparison_levels USING (comparison, gamma)
UNION ALL
SELECT * FROM counts_before
WHERE model_id = $model_id AND night < CAST($night AS DATE)
QUALIFY dense_rank() OVER (ORDER BY night DESC) <= $nights;
