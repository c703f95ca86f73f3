-- The judgements in force tonight, one per pair, under tonight's record keys (the left one first). broken_chains(judgement_id, contradicted_by): each
-- 'same' that would, with newer ones, bring together what is judged different.
CREATE OR REPLACE TEMP TABLE judgements AS
SELECT judgement_id, least(current_key_l, current_key_r) AS record_key_l, greatest(current_key_l, current_key_r) AS record_key_r, verdict, decided_at
FROM anchored_judgements ANTI JOIN broken_chains USING (judgement_id)
WHERE standing IN ('applied', 'changed') OR (standing = 'recorded' AND verdict = 'unsure');
