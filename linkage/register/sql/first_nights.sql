-- Since when the register knows each person of yesterday, and each who came back tonight.
CREATE OR REPLACE TEMP TABLE first_nights AS
SELECT person_id, first_night FROM previous_persons
UNION ALL
SELECT subject_id, min(night) FROM previous_history
WHERE subject_id IN (SELECT subject_id FROM resolve_events WHERE subject = 'person' AND kind = 'revived') GROUP BY subject_id;
