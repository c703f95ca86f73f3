-- What households show that somebody should look into. Only living persons count; $night gives ages.
CREATE OR REPLACE TEMP TABLE living_members AS
SELECT m.household_id, h.kind, h.household_number, p.person_id, p.birth_date, p.hukou_address, p.residence_address
FROM members m JOIN households h USING (household_id) JOIN persons p USING (person_id) WHERE m.valid_to IS NULL AND p.status = 'alive';

CREATE OR REPLACE TEMP TABLE household_findings AS
WITH registered AS (
    SELECT household_id, mode(hukou_address ORDER BY hukou_address) AS hukou_address, count(*) AS members,
           count(*) FILTER (residence_address <> hukou_address) AS away
    FROM living_members WHERE kind = 'hukou' GROUP BY household_id
), residences AS (
    SELECT household_id, count(*) AS members, max(birth_date) AS youngest, min(birth_date) AS oldest, count(birth_date) AS known
    FROM living_members WHERE kind = 'residence' GROUP BY household_id
)
SELECT 1 AS position, '人户分离的人' AS zh, 'persons who live away from where they are registered' AS en, count(*) AS n
FROM living_members WHERE kind = 'hukou' AND residence_address <> hukou_address
UNION ALL SELECT 2, '空挂户：登记的人都住在别处', 'registered households all of whose members live elsewhere', count(*) FILTER (away = members) FROM registered
UNION ALL SELECT 3, '一处住房登记了几户', 'homes in which several households are registered', count(*) FROM (SELECT hukou_address FROM registered WHERE hukou_address IS NOT NULL GROUP BY ALL HAVING count(*) > 1)
UNION ALL SELECT 4, '没有户主的户', 'households without a head', count(*) FROM households WHERE kind <> 'collective' AND head_person_id IS NULL
UNION ALL SELECT 5, '只住着未满16岁的人', 'homes with nobody of 16 or older', count(*) FROM residences WHERE known = members AND oldest > CAST($night AS DATE) - INTERVAL 16 YEAR
UNION ALL SELECT 6, '80岁以上独居', 'persons over 80 who live alone', count(*) FROM residences WHERE members = 1 AND oldest <= CAST($night AS DATE) - INTERVAL 80 YEAR;
