-- Records that an equal good number holds: another record has it, and no guard speaks against the pair. Found is who is in one person with such a
-- record; supported is who has there, besides the number, at least $least_support_bits of evidence for it. The rest is unheld: there linking has to do
-- without the number, as in the hold-out. $comparison: the number's; $cannot_link_guards
CREATE OR REPLACE TEMP TABLE numbered_records AS
WITH weighed AS (
    SELECT record_key_l, record_key_r, guards, weights[$comparison] AS number_weight, list_sum(list_value(*COLUMNS(weights.*))) AS sum_of_weights FROM scored_pairs
), pairs AS (
    SELECT l.record_key AS record_key_l, r.record_key AS record_key_r, l.person_id = r.person_id AS together,
           p.sum_of_weights - p.number_weight >= $least_support_bits AS supported
    FROM weighed p JOIN estimate_records l ON l.record_key = p.record_key_l JOIN estimate_records r ON r.record_key = p.record_key_r
    WHERE l.number = r.number AND p.number_weight > 0 AND len(list_intersect(p.guards, $cannot_link_guards)) = 0
), sides AS (
    SELECT record_key_l AS record_key, together, supported FROM pairs UNION ALL SELECT record_key_r, together, supported FROM pairs
)
SELECT record_key, bool_or(together) AS found, bool_or(together AND supported) AS supported FROM sides GROUP BY record_key;

CREATE OR REPLACE TEMP TABLE subgroup_records AS
SELECT *, unnest(list_concat(['all'], subgroups)) AS subgroup FROM estimate_records LEFT JOIN numbered_records USING (record_key);

CREATE OR REPLACE TEMP TABLE numbered_cells AS
SELECT subgroup, count(found) AS numbered, count(*) FILTER (found) AS found, count(*) FILTER (supported) AS supported, count(*) FILTER (found IS NULL) AS unheld
FROM subgroup_records GROUP BY subgroup;

CREATE OR REPLACE TEMP TABLE unheld_shapes AS
SELECT subgroup, shape, count(*) AS records FROM subgroup_records WHERE found IS NULL GROUP BY ALL;
