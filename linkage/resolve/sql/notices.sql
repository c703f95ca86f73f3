-- What each department must know of persons that a judgement took apart or put together tonight: under the id it holds, where its own records are now.
-- Other departments' records are not named. previous_judgements(judgement_id, current_key_l, current_key_r): what the release before knew; a judgement it
-- did not know was made upon it, so its own keys are those of yesterday; of one whose record it did not find, nobody held the record then.
CREATE OR REPLACE TEMP TABLE notices AS
WITH yesterday AS (
    SELECT source || ':' || record_id AS record_key, person_id FROM crosswalk_before -- judgements of yesterday name yesterday's numbers
), decided AS (
    SELECT a.judgement_id, a.decided_at, yl.person_id AS before_l, yr.person_id AS before_r
    FROM anchored_judgements a LEFT JOIN previous_judgements p USING (judgement_id)
    JOIN links l ON l.record_key = a.current_key_l JOIN links r ON r.record_key = a.current_key_r
    JOIN yesterday yl ON yl.record_key = CASE WHEN p.judgement_id IS NULL THEN a.record_key_l ELSE p.current_key_l END JOIN yesterday yr ON yr.record_key = CASE WHEN p.judgement_id IS NULL THEN a.record_key_r ELSE p.current_key_r END
    WHERE (yl.person_id = yr.person_id) <> (l.person_id = r.person_id)
      AND (a.judgement_id IN (SELECT judgement_id FROM judgements WHERE verdict = CASE WHEN l.person_id = r.person_id THEN 'same' ELSE 'different' END)
           OR a.lets_go) -- what the machine makes of it without the judgement is its doing too
), persons AS (
    SELECT person_id, arg_max(judgement_id, (decided_at, judgement_id)) AS judgement_id
    FROM (SELECT *, unnest(list_distinct([before_l, before_r])) AS person_id FROM decided) GROUP BY person_id
), records AS (
    SELECT n.source, n.record_id, p.person_id, n.person_id AS new_person_id, p.judgement_id,
           CASE WHEN count(DISTINCT n.person_id) OVER (PARTITION BY p.person_id) > 1 THEN 'split' ELSE 'merged' END AS kind
    FROM persons p JOIN person_nodes n ON n.previous_person_id = p.person_id
)
SELECT source, person_id, new_person_id, kind, list_sort(list(record_id)) AS records, any_value(judgement_id) AS judgement_id, CAST($night AS DATE) AS since,
       CASE WHEN kind = 'merged' THEN '经人工判定与另一人合并' ELSE '经人工判定拆分' END || CASE WHEN person_id = new_person_id THEN '，这些记录编号不变' ELSE '，这些记录改用另一编号' END AS text,
       CASE WHEN kind = 'merged' THEN 'put together with another person by judgement' ELSE 'taken apart by judgement' END
           || CASE WHEN person_id = new_person_id THEN '; these records keep the id' ELSE '; these records have another id now' END AS text_en
FROM records GROUP BY ALL;
