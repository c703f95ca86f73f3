-- Of touching_pairs, those of a record of $left and one of $right, heaviest first.
SELECT p.* FROM touching_pairs p
WHERE p.record_key_l IN (SELECT unnest($left)) AND p.record_key_r IN (SELECT unnest($right)) OR p.record_key_l IN (SELECT unnest($right)) AND p.record_key_r IN (SELECT unnest($left))
ORDER BY p.match_weight DESC, p.record_key_l, p.record_key_r;
