-- Who surely lives together, whatever the address: persons of one registered household, home village or health file whose records
-- name the same head, and minors with the parents' generation of their registered household. $same_head_points, $minor_points, $night.
-- An anchor shared by more than 30 persons is no family.
CREATE OR REPLACE TEMP TABLE family_anchors AS
SELECT DISTINCT person_id, anchor FROM (
    SELECT person_id, 'number ' || basis_key AS anchor FROM hukou_evidence WHERE coalesce(household_kind, 'family') <> 'collective'
    UNION ALL SELECT person_id, 'origin ' || hukou_dwelling_key FROM person_records WHERE hukou_dwelling_key IS NOT NULL
    UNION ALL SELECT person_id, 'file ' || household_number FROM person_records WHERE household_number IS NOT NULL AND feed <> 'police_hukou'
) QUALIFY count(*) OVER (PARTITION BY anchor) <= 30;

CREATE OR REPLACE TEMP TABLE named_heads AS
SELECT DISTINCT person_id, head_name_key AS head FROM person_records WHERE head_name_key IS NOT NULL AND NOT starts_with(head_name_key, '?') AND feed <> 'police_hukou';

CREATE OR REPLACE TEMP TABLE family_ties AS
WITH same_head AS (
    SELECT DISTINCT a.person_id, b.person_id AS other_id
    FROM (SELECT * FROM family_anchors JOIN named_heads USING (person_id)) a
    JOIN (SELECT * FROM family_anchors JOIN named_heads USING (person_id)) b ON a.anchor = b.anchor AND a.head = b.head AND a.person_id <> b.person_id
), born AS (
    SELECT person_id, date_diff('year', min(coalesce(identity_birth_date, birth_date)), CAST($night AS DATE)) AS age FROM person_records GROUP BY person_id
), minors AS (
    SELECT c.person_id, p.person_id AS other_id
    FROM hukou_evidence c JOIN hukou_evidence p ON p.basis_key = c.basis_key AND coalesce(c.household_kind, 'family') <> 'collective'
    JOIN born cb ON cb.person_id = c.person_id JOIN born pb ON pb.person_id = p.person_id
    WHERE cb.age < 18 AND pb.age - cb.age BETWEEN 18 AND 45
)
SELECT person_id, other_id, max(points) AS points FROM (
    SELECT person_id, other_id, $same_head_points AS points FROM same_head
    UNION ALL SELECT person_id, other_id, $minor_points FROM minors
    UNION ALL SELECT other_id, person_id, $minor_points FROM minors
) GROUP BY ALL;
