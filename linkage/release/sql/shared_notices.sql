-- Notices about ids, without those of restricted persons.
CREATE OR REPLACE TEMP VIEW shared_notices AS
SELECT * FROM notices
WHERE person_id NOT IN (SELECT person_id FROM restricted) AND new_person_id NOT IN (SELECT person_id FROM restricted);
