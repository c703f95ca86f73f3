-- Every pair that can hold a person together, or must not, with record positions (0-based, in key order).
-- $join_match_weight: two records join from here; $keep_match_weight: two records of one person yesterday stay from here;
-- pair_thresholds: other values of these two for some feeds.
CREATE OR REPLACE TEMP TABLE nodes AS
SELECT row_number() OVER (ORDER BY r.record_key) - 1 AS node, r.record_key, r.source, r.feed, r.record_id,
       good_number(r.identity_grade, r.identity_kind, r.identity_number) AS good_number,
       r.content_hash, c.person_id AS previous_person_id, c.content_hash AS previous_hash
FROM common_records r LEFT JOIN previous_crosswalk c ON c.source = r.source AND c.record_id = r.record_id;

-- The last judgement about a pair counts.
CREATE OR REPLACE TEMP TABLE verdicts AS
SELECT l.node AS node_l, r.node AS node_r, arg_max(j.verdict, (j.decided_at, j.judgement_id)) AS verdict
FROM judgements j JOIN nodes l ON l.record_key = j.record_key_l JOIN nodes r ON r.record_key = j.record_key_r
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE edges AS
WITH pairs AS (
    SELECT least(l.node, r.node) AS node_l, greatest(l.node, r.node) AS node_r, p.match_weight, p.blocking_rule,
           len(list_intersect(p.guards, $cannot_link_guards)) > 0 AS guarded,
           coalesce(l.previous_person_id = r.previous_person_id, false) AS together_before,
           coalesce(t.join_match_weight, $join_match_weight) AS join_match_weight, coalesce(t.keep_match_weight, $keep_match_weight) AS keep_match_weight
    FROM scored_pairs p JOIN nodes l ON l.record_key = p.record_key_l JOIN nodes r ON r.record_key = p.record_key_r
    LEFT JOIN pair_thresholds t ON t.feed_l = l.feed AND t.feed_r = r.feed
    WHERE p.match_weight >= coalesce(t.keep_match_weight, $keep_match_weight) OR len(p.guards) > 0
)
SELECT coalesce(p.node_l, v.node_l) AS node_l, coalesce(p.node_r, v.node_r) AS node_r,
       CASE WHEN v.verdict = 'same' THEN 1000.0 ELSE p.match_weight END AS match_weight,
       CASE WHEN v.verdict = 'same' THEN 'judgement' ELSE p.blocking_rule END AS rule,
       coalesce(v.verdict = 'same', false) AS must_link,
       coalesce(v.verdict = 'different', coalesce(p.guarded, false) AND coalesce(v.verdict, '') <> 'same') AS cannot_link,
       coalesce(p.match_weight >= p.join_match_weight OR (p.together_before AND p.match_weight >= p.keep_match_weight), false)
           OR coalesce(v.verdict = 'same', false) AS joins
FROM pairs p FULL JOIN verdicts v ON v.node_l = p.node_l AND v.node_r = p.node_r
WHERE coalesce(v.verdict, '') <> 'unsure' OR p.node_l IS NOT NULL;
