-- Where each person is registered: one row per person with a household number of the police, or with the home that goes by one.
CREATE OR REPLACE TEMP TABLE person_records AS
SELECT l.person_id,
       r.source, r.feed, r.record_id, r.record_key, r.file, r.row_number, r.content_hash, r.observed_on, r.identity_kind, r.identity_number,
       r.identity_grade, r.identity_birth_date, r.identity_sex, r.full_name, r.name_key, r.sex, r.birth_date, r.household_number, r.household_kind,
       r.relation_to_head, r.head_name_key, r.hukou_room, r.hukou_dwelling_key, r.hukou_building_key, r.residence_room, r.residence_dwelling_key,
       r.residence_building_key, r.dwelling_code, r.person_status, r.presence, r.started_on, r.ended_on
FROM common_records r JOIN links l USING (source, record_id);

CREATE OR REPLACE TEMP TABLE dead_persons AS
SELECT DISTINCT person_id FROM person_records WHERE person_status = 'deceased';

CREATE OR REPLACE TEMP TABLE booked AS
SELECT person_id, household_number AS basis_key, household_kind, relation_to_head, hukou_dwelling_key, started_on, observed_on, record_key
FROM person_records
WHERE feed = 'police_hukou' AND household_number IS NOT NULL AND coalesce(person_status, 'alive') = 'alive' AND person_id NOT IN (FROM dead_persons)
QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY observed_on DESC NULLS LAST, record_key) = 1;

-- A home in which one family is registered: its household number stands for it.
CREATE OR REPLACE TEMP TABLE registered_homes AS
SELECT hukou_dwelling_key AS dwelling_key, min(basis_key) AS basis_key FROM booked
WHERE hukou_dwelling_key IS NOT NULL AND coalesce(household_kind, 'family') <> 'collective'
GROUP BY ALL HAVING count(DISTINCT basis_key) = 1;

-- Whoever the police's list of tonight lacks, but whom a grid worker met in such a home as registered there, or who is under 60, belongs
-- to its household: all departments must name the same home, and none may know the person as somebody from elsewhere. An older person whom
-- nobody met is not added: who died is taken off the police's list as well; and an infant without a number, for the number comes
-- with the registration. $night
CREATE OR REPLACE TEMP TABLE unbooked AS
SELECT person_id, arg_max(relation_to_head, observed_on) AS relation_to_head, max(observed_on) AS observed_on, min(record_key) AS record_key,
       min(home) AS dwelling_key
FROM (SELECT *, CASE WHEN presence = 'present_with_hukou' THEN coalesce(hukou_dwelling_key, residence_dwelling_key) ELSE hukou_dwelling_key END AS home FROM person_records)
WHERE person_id NOT IN (SELECT person_id FROM booked) AND person_id NOT IN (FROM dead_persons)
GROUP BY person_id
HAVING count(DISTINCT home) = 1 AND (bool_or(coalesce(presence, '') = 'present_with_hukou') OR min(coalesce(identity_birth_date, birth_date)) > CAST($night AS DATE) - INTERVAL 60 YEAR)
   AND NOT bool_or(feed IN ('police_floating', 'police_hukou'))
   AND (count(identity_grade) > 0 OR coalesce(max(birth_date) <= CAST($night AS DATE) - INTERVAL 1 YEAR, true));

CREATE OR REPLACE TEMP TABLE hukou_evidence AS
SELECT person_id, basis_key, household_kind, relation_to_head, started_on, observed_on, record_key FROM booked
UNION ALL
SELECT u.person_id, h.basis_key, 'family', NULL, NULL, u.observed_on, u.record_key FROM unbooked u JOIN registered_homes h USING (dwelling_key);
