-- The judgement in force about two records, under the numbers they have in this release.
SELECT verdict, judgement_id FROM judgement_status
WHERE in_force AND least(current_key_l, current_key_r) = $left AND greatest(current_key_l, current_key_r) = $right;
