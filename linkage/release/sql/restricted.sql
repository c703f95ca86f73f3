-- Persons of tonight whose processing is restricted. What counts is the last decision about an id. It follows the id through merges (the
-- successor is restricted) and splits (who comes out of a restricted person is restricted too, until a decision of its own lifts it): by the events,
-- and by the records, which also tell where those of an id went that ended tonight. Who came out and has ended stays listed: the id may come back.
CREATE OR REPLACE TEMP TABLE restricted AS
WITH decided AS (
    SELECT person_id AS asked_person_id, arg_max(action, (decided_at, action_id)) AS action FROM restrictions GROUP BY person_id
), active AS (
    SELECT * FROM decided WHERE action <> 'lift'
), named AS (
    SELECT asked_person_id, asked_person_id AS person_id, 'id' AS reached_by FROM active
    UNION ALL
    SELECT asked_person_id, p.person_id, 'split' FROM previous_restricted p JOIN active USING (asked_person_id) WHERE p.reached_by = 'split'
), living AS (
    SELECT n.asked_person_id, coalesce(r.successor_id, n.person_id) AS person_id, n.reached_by
    FROM named n LEFT JOIN retired_ids r ON r.id = n.person_id AND r.kind = 'person'
), reached AS (
    SELECT * FROM living
    UNION ALL
    SELECT l.asked_person_id, e.subject_id, 'split' FROM living l
    JOIN events e ON e.related_id = l.person_id AND e.kind = 'split_from' AND e.subject = 'person'
    UNION ALL
    SELECT b.asked_person_id, c.person_now, 'split'
    FROM (SELECT asked_person_id, person_id FROM named UNION SELECT asked_person_id, person_id FROM previous_restricted) b
    JOIN record_changes c ON c.person_before = b.person_id AND c.person_now <> c.person_before
)
SELECT r.person_id, r.asked_person_id, any_value(a.action) AS action, min(r.reached_by) AS reached_by,
       coalesce(min(p.since), CAST($night AS DATE)) AS since
FROM reached r JOIN active a USING (asked_person_id)
LEFT JOIN previous_restricted p USING (asked_person_id)
WHERE (r.person_id IN (SELECT person_id FROM persons) OR r.reached_by = 'split')
  AND NOT (r.reached_by = 'split' AND r.person_id IN (SELECT asked_person_id FROM decided WHERE action = 'lift'))
GROUP BY r.person_id, r.asked_person_id;
