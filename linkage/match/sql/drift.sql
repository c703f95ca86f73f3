-- Jensen-Shannon divergence of tonight's shares from those of the nights before (with missing as a level) and from what the model learned (without).
-- The model learned from all feeds together, so only all are held against it. Pairs between the thresholds are few: there the limit is the divergence that
-- $between_factor times their share would have.
-- Reads level_counts, comparison_levels. $night, $least_pairs, $least_between_pairs, $before_limit_bits, $model_limit_bits, $between_factor
CREATE OR REPLACE TEMP MACRO divergence_part(p, q) AS
    (CASE WHEN p > 0 THEN p * log2(2 * p / (p + q)) ELSE 0 END + CASE WHEN q > 0 THEN q * log2(2 * q / (p + q)) ELSE 0 END) / 2;

CREATE OR REPLACE TEMP TABLE drift_counts AS
WITH tonight AS (
    SELECT feed, comparison, position, pairs FROM level_counts WHERE night = CAST($night AS DATE)
), earlier AS (
    SELECT feed, comparison, position, sum(pairs) AS pairs FROM level_counts WHERE night < CAST($night AS DATE) GROUP BY ALL
)
SELECT 'before' AS against, feed, comparison, position, coalesce(t.pairs, 0) AS tonight, coalesce(e.pairs, 0) AS expected
FROM tonight t FULL JOIN earlier e USING (feed, comparison, position)
UNION ALL
SELECT 'model', 'all', l.comparison, l.position, coalesce(t.pairs, 0), l.m
FROM comparison_levels l LEFT JOIN tonight t ON t.feed = 'all' AND t.comparison = l.comparison AND t.position = l.position
WHERE l.m IS NOT NULL;

CREATE OR REPLACE TEMP TABLE drift_shares AS
WITH totals AS (
    SELECT against, feed, comparison, sum(tonight) AS pairs, sum(expected) AS expected_pairs FROM drift_counts GROUP BY ALL HAVING sum(tonight) > 0 AND sum(expected) > 0
)
SELECT c.*, t.pairs, t.expected_pairs, c.tonight / t.pairs AS share, c.expected / t.expected_pairs AS expected_share
FROM drift_counts c JOIN totals t USING (against, feed, comparison);

CREATE OR REPLACE TEMP TABLE drift AS
WITH measured AS (
    SELECT against, feed, comparison, CAST(any_value(pairs) AS BIGINT) AS pairs, CASE WHEN against = 'before' THEN CAST(any_value(expected_pairs) AS BIGINT) END AS expected_pairs,
           -- Sums in another order differ in their last digits; a table must not.
           round(sum(divergence_part(share, expected_share)), 6) AS divergence_bits,
           arg_max(struct_pack(position := position, tonight := tonight, share := share, expected_share := expected_share), (round(abs(share - expected_share), 9), position)) AS moved
    FROM drift_shares GROUP BY against, feed, comparison
), limited AS (
    SELECT *, CASE WHEN comparison = 'between_thresholds'
                   THEN round(divergence_part(least(1, $between_factor * moved.expected_share), moved.expected_share)
                              + divergence_part(1 - least(1, $between_factor * moved.expected_share), 1 - moved.expected_share), 6)
                   WHEN against = 'before' THEN $before_limit_bits ELSE $model_limit_bits END AS limit_bits
    FROM measured
)
SELECT m.feed, m.comparison, m.against, l.comparison_zh AS zh, l.comparison_en AS en, m.pairs, m.expected_pairs,
       CASE WHEN m.against = 'before' THEN (SELECT count(DISTINCT night) FROM level_counts WHERE night < CAST($night AS DATE)) END AS nights,
       m.divergence_bits, m.limit_bits,
       m.divergence_bits > m.limit_bits AND m.pairs >= $least_pairs AND coalesce(m.expected_pairs, $least_pairs) >= $least_pairs
           AND (m.comparison <> 'between_thresholds' OR m.moved.tonight >= $least_between_pairs) AS outside,
       l.level, l.zh AS level_zh, l.en AS level_en, round(m.moved.share, 6) AS share, round(m.moved.expected_share, 6) AS expected_share
FROM limited m JOIN comparison_levels l ON l.comparison = m.comparison AND l.position = m.moved.position;
