-- For every other person whose records look like one of $records, all of one person: the heaviest of touching_pairs. $review_match_weight: lighter pairs do not count.
WITH near AS (
    SELECT p.*, CASE WHEN p.record_key_l IN (SELECT unnest($records)) THEN p.record_key_l ELSE p.record_key_r END AS own_record,
           CASE WHEN p.record_key_l IN (SELECT unnest($records)) THEN p.record_key_r ELSE p.record_key_l END AS record_key
    FROM touching_pairs p
    WHERE p.match_weight >= $review_match_weight
), owned AS (
    SELECT n.*, c.person_id FROM near n
    JOIN register.crosswalk c ON c.source = split_part(n.record_key, ':', 1) AND c.record_id = substr(n.record_key, strpos(n.record_key, ':') + 1)
    WHERE c.person_id <> $id
)
SELECT * FROM owned QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY match_weight DESC, record_key_l, record_key_r) = 1
ORDER BY match_weight DESC, person_id;
