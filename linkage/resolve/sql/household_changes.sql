-- What became of yesterday's households, and which are new or came back.
CREATE OR REPLACE TEMP TABLE household_events AS
SELECT household_id AS subject_id, beginning AS kind, '' AS related_id FROM household_id_map WHERE beginning IS NOT NULL
UNION ALL
SELECT household_id, 'ended', '' FROM previous_household_bases WHERE household_id NOT IN (SELECT household_id FROM household_links)
UNION ALL
SELECT m.household_id, 'member_joined', m.person_id FROM members m ANTI JOIN previous_members p
    ON p.household_id = m.household_id AND p.person_id = m.person_id AND p.valid_to IS NULL
WHERE m.valid_to IS NULL AND m.household_id IN (SELECT household_id FROM previous_household_bases)
UNION ALL
SELECT DISTINCT p.household_id, 'member_left', p.person_id FROM previous_members p ANTI JOIN members m
    ON p.household_id = m.household_id AND p.person_id = m.person_id AND m.valid_to IS NULL
WHERE p.valid_to IS NULL AND p.household_id IN (SELECT household_id FROM household_links)
UNION ALL
SELECT l.household_id, 'head_changed', coalesce(l.head_person_id, '') FROM household_links l JOIN previous_household_bases p USING (household_id)
WHERE l.head_person_id IS DISTINCT FROM p.head_person_id;
