-- Each member's relation to the head of this household (GB/T 4761-2008). What a department wrote holds for the head that it had in mind; where
-- that is somebody else, both relations are put together by relation_composition.csv ($composition): the head's daughter is the granddaughter
-- of his mother. What cannot be told (own child or nephew?) is 80 or null, never guessed.
CREATE OR REPLACE TEMP MACRO relation_class(code) AS CASE
    WHEN code IN ('01', '02', '03') THEN 'self' WHEN code BETWEEN '10' AND '12' THEN 'spouse'
    WHEN code IN ('28', '38') THEN 'child_in_law' WHEN code BETWEEN '20' AND '39' THEN 'child'
    WHEN code IN ('45', '46') THEN 'grandchild_in_law' WHEN code IN ('47', '48') THEN 'great_grandchild' WHEN code BETWEEN '40' AND '49' THEN 'grandchild'
    WHEN code BETWEEN '53' AND '56' THEN 'parent_in_law' WHEN code BETWEEN '50' AND '59' THEN 'parent'
    WHEN code BETWEEN '60' AND '69' THEN 'grandparent'
    WHEN code IN ('72', '74', '76', '78') THEN 'sibling_in_law' WHEN code BETWEEN '70' AND '79' THEN 'sibling'
    WHEN code BETWEEN '80' AND '92' THEN 'other' WHEN code BETWEEN '93' AND '99' THEN 'unrelated' END;

CREATE OR REPLACE TEMP MACRO relation_code(class, sex, head_sex) AS CASE class
    WHEN 'self' THEN '02' WHEN 'spouse' THEN CASE sex WHEN '1' THEN '11' WHEN '2' THEN '12' ELSE '10' END
    WHEN 'child' THEN CASE sex WHEN '1' THEN '20' WHEN '2' THEN '30' END WHEN 'child_in_law' THEN CASE sex WHEN '1' THEN '28' WHEN '2' THEN '38' END
    WHEN 'grandchild' THEN '40' WHEN 'grandchild_in_law' THEN CASE sex WHEN '1' THEN '46' WHEN '2' THEN '45' END
    WHEN 'great_grandchild' THEN CASE sex WHEN '1' THEN '47' WHEN '2' THEN '48' END
    WHEN 'parent' THEN CASE sex WHEN '1' THEN '51' WHEN '2' THEN '52' ELSE '50' END
    WHEN 'parent_in_law' THEN CASE head_sex || sex WHEN '21' THEN '53' WHEN '22' THEN '54' WHEN '11' THEN '55' WHEN '12' THEN '56' ELSE '59' END
    WHEN 'grandparent' THEN '60' WHEN 'sibling' THEN '70' WHEN 'sibling_in_law' THEN '79' WHEN 'other' THEN '80' END;

-- Who said what about whom: under a household number, or under a head's name. Of several the one observed last.
CREATE OR REPLACE TEMP TABLE declared_relations AS
SELECT person_id, anchor, arg_max(code, (coalesce(observed_on, DATE '1900-01-01'), record_key)) AS code
FROM (
    SELECT person_id, 'number ' || basis_key AS anchor, relation_to_head AS code, observed_on, record_key FROM hukou_evidence
    UNION ALL SELECT person_id, 'head ' || head_name_key, relation_to_head, observed_on, record_key FROM person_records WHERE head_name_key IS NOT NULL AND feed <> 'police_hukou'
) WHERE relation_class(code) IS NOT NULL GROUP BY person_id, anchor;

CREATE OR REPLACE TEMP TABLE person_sexes AS
SELECT person_id, mode(coalesce(nullif(nullif(sex, '0'), '9'), identity_sex) ORDER BY sex) AS sex FROM person_records GROUP BY person_id;

CREATE OR REPLACE TEMP TABLE household_relations AS
WITH led AS (
    SELECT g.family, g.basis_key, g.person_id, h.head_person_id FROM household_groups g JOIN household_heads h USING (family, basis_key) WHERE g.kind <> 'collective'
), compared AS (
    SELECT l.*, d.anchor, d.code, relation_class(d.code) AS member_is, relation_class(o.code) AS head_is,
           count(*) FILTER (relation_class(d.code) = 'child') OVER (PARTITION BY l.family, l.basis_key, d.anchor) = 1 AS only_child
    FROM led l JOIN declared_relations d ON d.person_id = l.person_id JOIN declared_relations o ON o.person_id = l.head_person_id AND o.anchor = d.anchor
    WHERE l.family = 'residence' OR d.anchor = 'number ' || l.basis_key
), told AS (
    SELECT c.family, c.basis_key, c.person_id, c.anchor, c.head_is, CASE WHEN c.head_is = 'self' THEN c.code ELSE relation_code(r.result, m.sex, h.sex) END AS code
    FROM compared c
    LEFT JOIN read_csv($composition, header = true, columns = {'head_is': 'VARCHAR', 'member_is': 'VARCHAR', 'only_child': 'BOOLEAN', 'result': 'VARCHAR', 'note': 'VARCHAR'}) r
           ON r.head_is = c.head_is AND r.member_is = c.member_is AND coalesce(r.only_child, c.only_child) = c.only_child
    LEFT JOIN person_sexes m ON m.person_id = c.person_id LEFT JOIN person_sexes h ON h.person_id = c.head_person_id
    WHERE c.person_id <> c.head_person_id
)
-- What was written for this very head counts before what is put together, and what is exact before 80.
SELECT family, basis_key, person_id, arg_max(code, (head_is = 'self', code <> '80', starts_with(anchor, 'head'), anchor)) AS relation_to_head
FROM told WHERE code IS NOT NULL AND relation_class(code) <> 'self' GROUP BY ALL;
