-- What became of every judgement tonight. Reads anchored_judgements, judgements, broken_chains, links and refused_pairs.
CREATE OR REPLACE TEMP TABLE judgement_status AS
WITH barred AS (
    -- Judged the same, and yet apart: a guard, two good numbers or a feed that holds a person once stands between, by way of other records.
    SELECT j.judgement_id, b.barrier, b.barrier_en
    FROM judgements j JOIN links l ON l.record_key = j.record_key_l JOIN links r ON r.record_key = j.record_key_r
    LEFT JOIN refused_pairs b ON least(b.person_l, b.person_r) = least(l.person_id, r.person_id) AND greatest(b.person_l, b.person_r) = greatest(l.person_id, r.person_id)
    WHERE j.verdict = 'same' AND l.person_id <> r.person_id
), opposed AS (
    SELECT judgement_id, contradicted_by FROM broken_chains
    UNION ALL SELECT contradicted_by, max(judgement_id) FROM broken_chains GROUP BY contradicted_by
), found AS (
    SELECT a.*, o.contradicted_by, b.barrier, b.barrier_en, b.judgement_id IS NOT NULL AS is_barred, j.judgement_id IS NOT NULL AS is_used,
           CASE WHEN o.contradicted_by IS NOT NULL OR b.judgement_id IS NOT NULL THEN 'contradicted' ELSE a.standing END AS status
    FROM anchored_judgements a LEFT JOIN opposed o USING (judgement_id) LEFT JOIN barred b USING (judgement_id) LEFT JOIN judgements j USING (judgement_id)
)
SELECT judgement_id, coalesce(decision_id, judgement_id) AS decision_id, verdict, decided_at, status, is_used AND NOT is_barred AS in_force,
       record_key_l, record_key_r, current_key_l, current_key_r, contradicted_by,
       CASE WHEN contradicted_by IS NOT NULL AND verdict = 'same' THEN '与较新的“同一人”判定合起来，会把判为不同人的记录连在一起；“不同人”有效'
            WHEN contradicted_by IS NOT NULL THEN '“同一人”判定与它矛盾；“不同人”有效'
            WHEN is_barred THEN coalesce(barrier, '另有约束不许两人为同一人')
            WHEN status = 'changed' THEN '姓名、出生日期或证件号码与判定时所见不同'
            WHEN status = 'stale' THEN CASE lost WHEN 'gone' THEN '记录已不在' WHEN 'other_record' THEN '该编号现在是另一条记录'
                 WHEN 'ambiguous' THEN '有几条记录与判定时所见相同' ELSE '两条记录现在是同一条' END END AS reason,
       CASE WHEN contradicted_by IS NOT NULL AND verdict = 'same' THEN 'with newer judgements ''same'' it would bring together records judged different; ''different'' holds'
            WHEN contradicted_by IS NOT NULL THEN 'a judgement ''same'' contradicts it; ''different'' holds'
            WHEN is_barred THEN coalesce(barrier_en, 'another constraint forbids that the two be one person')
            WHEN status = 'changed' THEN 'name, birth date or number differ from what was seen when judged'
            WHEN status = 'stale' THEN CASE lost WHEN 'gone' THEN 'a record is gone' WHEN 'other_record' THEN 'its number now belongs to another record'
                 WHEN 'ambiguous' THEN 'several records look like the one that was seen' ELSE 'both are now one record' END END AS reason_en
FROM found;
