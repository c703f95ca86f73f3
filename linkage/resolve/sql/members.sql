-- Today's members; who left keeps a closed row as long as person and household still exist.
CREATE OR REPLACE TEMP TABLE household_links AS
SELECT i.household_id, b.kind, b.basis, b.basis_key, CASE WHEN b.kind <> 'collective' THEN h.head_person_id END AS head_person_id, b.members
FROM household_bases b JOIN household_id_map i USING (family, basis_key) LEFT JOIN household_heads h USING (family, basis_key);

CREATE OR REPLACE TEMP TABLE members AS
WITH today AS (
    SELECT i.household_id, g.person_id,
           CASE WHEN l.head_person_id = g.person_id THEN '02' ELSE r.relation_to_head END AS relation_to_head,
           coalesce(l.head_person_id = g.person_id, false) AS is_head,
           coalesce(p.valid_from, CASE WHEN g.started_on <= $night THEN g.started_on END, $night) AS valid_from, CAST(NULL AS DATE) AS valid_to
    FROM household_groups g JOIN household_id_map i USING (family, basis_key)
    JOIN household_links l ON l.household_id = i.household_id
    LEFT JOIN household_relations r ON r.family = g.family AND r.basis_key = g.basis_key AND r.person_id = g.person_id
    LEFT JOIN (SELECT household_id, person_id, max(valid_from) AS valid_from FROM previous_members WHERE valid_to IS NULL GROUP BY ALL) p
           ON p.household_id = i.household_id AND p.person_id = g.person_id
), left_them AS (
    SELECT p.household_id, p.person_id, p.relation_to_head, false AS is_head, p.valid_from, coalesce(p.valid_to, CAST($night AS DATE)) AS valid_to
    FROM previous_members p ANTI JOIN today t ON t.household_id = p.household_id AND t.person_id = p.person_id AND t.valid_from = p.valid_from
    WHERE p.household_id IN (SELECT household_id FROM household_links) AND p.person_id IN (SELECT person_id FROM links)
)
SELECT * FROM today UNION ALL SELECT * FROM left_them;
