-- Every id that ended leads to a living successor or to nothing; chains are followed, so one look-up is enough for ever.
CREATE OR REPLACE TEMP TABLE retired_ids AS
SELECT id, CASE WHEN last_successor_id IN (SELECT person_id FROM links) THEN last_successor_id END AS successor_id, last_successor_id, 'person' AS kind, retired_on, cause
FROM retired_persons
UNION ALL
SELECT id, NULL, NULL, 'household', retired_on, 'ended' FROM previous_retired_ids
WHERE kind = 'household' AND id NOT IN (SELECT household_id FROM household_links)
UNION ALL
SELECT subject_id, NULL, NULL, 'household', CAST($night AS DATE), 'ended' FROM household_events WHERE kind = 'ended';

CREATE OR REPLACE TEMP TABLE former_households AS
SELECT household_id, family, place, person_id, ended_on FROM previous_former_households WHERE household_id NOT IN (SELECT household_id FROM household_links)
UNION ALL
SELECT DISTINCT b.household_id, b.family, b.place, m.person_id, CAST($night AS DATE)
FROM household_events e JOIN previous_household_bases b ON b.household_id = e.subject_id JOIN previous_members m ON m.household_id = b.household_id AND m.valid_to IS NULL
WHERE e.kind = 'ended';
