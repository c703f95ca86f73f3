-- What each department must know of persons that a judgement took apart or put together tonight: under the id it holds, where its own records are now.
-- Other departments' records are not named. previous_judgements(judgement_id): those that the release before knew.
CREATE OR REPLACE TEMP TABLE notices AS
WITH yesterday AS (
    SELECT source || ':' || record_id AS record_key, person_id FROM previous_crosswalk
), decided AS (
    SELECT a.judgement_id, a.decided_at, yl.person_id AS before_l, yr.person_id AS before_r, l.person_id = r.person_id AS together
    FROM anchored_judgements a
    JOIN links l ON l.record_key = a.current_key_l JOIN links r ON r.record_key = a.current_key_r
    JOIN yesterday yl ON yl.record_key = a.current_key_l JOIN yesterday yr ON yr.record_key = a.current_key_r
    WHERE (yl.person_id = yr.person_id) <> (l.person_id = r.person_id)
      AND (a.judgement_id IN (SELECT judgement_id FROM judgements WHERE verdict = CASE WHEN l.person_id = r.person_id THEN 'same' ELSE 'different' END)
           -- taken back tonight: what the machine makes of it without the judgement is its doing too
           OR (a.verdict = 'withdrawn' AND a.standing = 'recorded' AND a.judgement_id NOT IN (SELECT judgement_id FROM previous_judgements)))
), persons AS (
    SELECT person_id, CASE WHEN together THEN 'merged' ELSE 'unlinked' END AS kind, arg_max(judgement_id, (decided_at, judgement_id)) AS judgement_id
    FROM (SELECT *, unnest(list_distinct([before_l, before_r])) AS person_id FROM decided) GROUP BY ALL
)
SELECT c.source, p.person_id, l.person_id AS new_person_id, p.kind, list_sort(list(c.record_id)) AS records, any_value(p.judgement_id) AS judgement_id,
       CAST($night AS DATE) AS since,
       CASE WHEN p.kind = 'merged' THEN '经人工判定与另一人合并' ELSE '经人工判定拆分' END || CASE WHEN p.person_id = l.person_id THEN '，这些记录编号不变' ELSE '，这些记录改用新编号' END AS text,
       CASE WHEN p.kind = 'merged' THEN 'merged with another person by judgement' ELSE 'taken apart by judgement' END
           || CASE WHEN p.person_id = l.person_id THEN '; these records keep the id' ELSE '; these records have a new id' END AS text_en
FROM persons p JOIN previous_crosswalk c USING (person_id) JOIN links l ON l.source = c.source AND l.record_id = c.record_id
GROUP BY ALL;
