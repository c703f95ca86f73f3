-- Each judgement and the records it is about, found again among tonight's (docs/decisions/0006). Of judgements about the same two records
-- the newest counts that nobody took back.
-- judgement_rows: all judgements as they were written, with what their reader saw (NULL where that was not kept).
CREATE OR REPLACE TEMP TABLE judged_sides AS
SELECT judgement_id, 'l' AS side, record_key_l AS record_key, seen_l AS seen FROM judgement_rows
UNION ALL SELECT judgement_id, 'r', record_key_r, seen_r FROM judgement_rows;

CREATE OR REPLACE TEMP TABLE side_candidates AS
WITH reached AS (
    SELECT s.judgement_id, s.side, e.record_key FROM judged_sides s JOIN record_evidence e ON e.record_key = s.record_key
    UNION
    SELECT s.judgement_id, s.side, e.record_key FROM judged_sides s JOIN record_evidence e ON e.feed = s.seen.feed AND e.content_hash = s.seen.content_hash
    UNION
    SELECT s.judgement_id, s.side, e.record_key FROM judged_sides s JOIN record_evidence e ON e.feed = s.seen.feed AND e.name_hash = s.seen.name_hash
), compared AS (
    SELECT judgement_id, side, e.record_key, e.record_key = s.record_key AS same_key, s.seen IS NULL AS unseen,
           e.content_hash = s.seen.content_hash AS same_content,
           coalesce(e.number_hash = s.seen.number_hash, false) AS same_number,
           coalesce(e.name_hash = s.seen.name_hash, false) AND coalesce(e.birth_hash = s.seen.birth_hash, false) AS same_name_and_birth,
           e.number_hash IS NOT DISTINCT FROM s.seen.number_hash AND e.name_hash IS NOT DISTINCT FROM s.seen.name_hash
               AND e.birth_hash IS NOT DISTINCT FROM s.seen.birth_hash AND e.name_hash IS NOT NULL AS same_identity
    FROM reached JOIN judged_sides s USING (judgement_id, side) JOIN record_evidence e ON e.record_key = reached.record_key
)
SELECT judgement_id, side, record_key,
       CASE WHEN same_key AND (unseen OR same_content OR same_identity) THEN 1         -- under its number, as it was seen
            WHEN same_content THEN 2                                                   -- numbered anew, the row as it was
            WHEN same_key AND (same_number OR same_name_and_birth) THEN 3              -- under its number, changed, and still the same person's
            WHEN same_identity AND (same_number OR same_name_and_birth) THEN 4         -- numbered anew, other values changed
       END AS rank
FROM compared;

-- The best way that leads to one record only; what fits several is never chosen among.
CREATE OR REPLACE TEMP TABLE anchors AS
WITH counted AS (
    SELECT judgement_id, side, rank, count(*) AS found, min(record_key) AS record_key FROM side_candidates WHERE rank IS NOT NULL GROUP BY ALL
)
SELECT s.judgement_id, s.side, arg_min(c.record_key, c.rank) FILTER (c.found = 1) AS record_key,
       coalesce(min(c.rank) FILTER (c.found = 1) = 3, false) AS changed,
       CASE WHEN bool_or(c.found = 1) THEN NULL WHEN bool_or(c.found > 1) THEN 'ambiguous'
            WHEN any_value(k.record_key) IS NOT NULL THEN 'other_record' ELSE 'gone' END AS lost
FROM judged_sides s LEFT JOIN counted c USING (judgement_id, side) LEFT JOIN common_records k ON k.record_key = s.record_key
GROUP BY s.judgement_id, s.side;

CREATE OR REPLACE TEMP TABLE anchored_judgements AS
WITH found AS (
    SELECT j.judgement_id, j.decision_id, j.verdict, j.takes_back, j.decided_at, j.record_key_l, j.record_key_r, l.record_key AS current_key_l, r.record_key AS current_key_r,
           l.changed OR r.changed AS changed, CASE WHEN l.record_key = r.record_key THEN 'one_record' ELSE coalesce(l.lost, r.lost) END AS lost,
           list_sort([coalesce(l.record_key, concat_ws(' ', 'lost', j.record_key_l, j.seen_l.content_hash)),
                      coalesce(r.record_key, concat_ws(' ', 'lost', j.record_key_r, j.seen_r.content_hash))]) AS pair
    FROM judgement_rows j JOIN anchors l ON l.judgement_id = j.judgement_id AND l.side = 'l' JOIN anchors r ON r.judgement_id = j.judgement_id AND r.side = 'r'
), counting AS (
    SELECT judgement_id, lead(judgement_id) OVER (PARTITION BY pair ORDER BY decided_at, judgement_id) IS NOT NULL AS is_followed,
           coalesce(bool_or(verdict IN ('same', 'different')) OVER (PARTITION BY pair ORDER BY decided_at, judgement_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS decided_before
    FROM found WHERE verdict <> 'withdrawn' AND judgement_id NOT IN (SELECT takes_back FROM judgement_rows WHERE takes_back IS NOT NULL)
)
SELECT f.* EXCLUDE (pair, takes_back),
       CASE WHEN verdict = 'withdrawn' THEN 'recorded' WHEN c.judgement_id IS NULL THEN 'withdrawn' WHEN is_followed THEN 'superseded'
            WHEN lost IS NOT NULL THEN 'stale' WHEN verdict = 'unsure' THEN 'recorded' WHEN changed THEN 'changed' ELSE 'applied' END AS standing,
       -- What was decided about the two is so no more. In the night that first knows it: afterwards it decides nothing.
       judgement_id NOT IN (SELECT judgement_id FROM previous_judgements)
           AND CASE verdict WHEN 'unsure' THEN coalesce(decided_before AND NOT is_followed, false)
                            WHEN 'withdrawn' THEN takes_back IN (SELECT judgement_id FROM previous_judgements WHERE in_force AND verdict IN ('same', 'different'))
                            ELSE false END AS lets_go
FROM found f LEFT JOIN counting c USING (judgement_id);
