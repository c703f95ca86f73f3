-- Where each person lives: the dwelling with most points of the person's own records and of the family's. The family speaks only through
-- members whom their own records settle ($settled_points), so nobody is placed by somebody who was placed by him. $family_points: at most.
CREATE OR REPLACE TEMP TABLE settled AS
SELECT person_id, dwelling, dwelling_code FROM own_points WHERE points >= $settled_points
QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY points DESC, dwelling) = 1;

CREATE OR REPLACE TEMP TABLE family_voices AS
SELECT t.person_id, s.dwelling, any_value(s.dwelling_code) AS dwelling_code, least(sum(t.points), $family_points) AS points
FROM family_ties t JOIN settled s ON s.person_id = t.other_id
WHERE t.person_id NOT IN (FROM dead_persons)
GROUP BY t.person_id, s.dwelling;

-- A room written without its unit, or with a road's name for the estate's, speaks for the dwelling in that building with that room.
CREATE OR REPLACE TEMP TABLE dwelling_rooms AS
SELECT dwelling, mode(room_key ORDER BY room_key) AS room_key, any_value(dwelling_code) AS dwelling_code FROM residence_claims
WHERE dwelling IS NOT NULL AND room_key IS NOT NULL GROUP BY dwelling;

CREATE OR REPLACE TEMP TABLE partial_claims AS
SELECT person_id, room_key, max(points) AS points FROM residence_claims WHERE dwelling IS NULL AND room_key IS NOT NULL AND points > 0 GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE only_dwellings AS
SELECT room_key, min(dwelling) AS dwelling, min(dwelling_code) AS dwelling_code FROM dwelling_rooms GROUP BY room_key HAVING count(*) = 1;

CREATE OR REPLACE TEMP TABLE residence_points AS
WITH voiced AS (
    SELECT person_id, dwelling, dwelling_code, points AS own, 0 AS family FROM own_points
    UNION ALL SELECT person_id, dwelling, dwelling_code, 0, points FROM family_voices
    UNION ALL SELECT p.person_id, o.dwelling, o.dwelling_code, 0, 0 FROM partial_claims p JOIN only_dwellings o USING (room_key)
)
SELECT v.person_id, v.dwelling, any_value(v.dwelling_code) AS dwelling_code,
       round(sum(v.own) + sum(v.family) + coalesce(any_value(p.points), 0), 6) AS points
FROM voiced v LEFT JOIN dwelling_rooms r USING (dwelling) LEFT JOIN partial_claims p ON p.person_id = v.person_id AND p.room_key = r.room_key
GROUP BY v.person_id, v.dwelling;

CREATE OR REPLACE TEMP TABLE residence_choices AS
WITH best AS (
    SELECT * FROM residence_points WHERE points > 0
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY points DESC, dwelling) = 1
), spoken AS (
    SELECT person_id, dwelling, arg_max(struct_pack(relation_to_head, started_on, observed_on, record_key), (points, coalesce(observed_on, DATE '1900-01-01'), record_key)) AS said
    FROM residence_claims WHERE dwelling IS NOT NULL GROUP BY ALL
)
SELECT b.person_id, b.dwelling AS basis_key, b.dwelling_code, b.points, s.said.relation_to_head AS relation_to_head, s.said.started_on AS started_on,
       s.said.observed_on AS observed_on, s.said.record_key AS record_key
FROM best b LEFT JOIN spoken s USING (person_id, dwelling);
