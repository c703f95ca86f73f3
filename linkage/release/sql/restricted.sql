-- Persons of tonight whose processing is restricted. What counts is the last decision about an id. It follows the id through merges (the
-- successor is restricted) and splits (whoever has a record that a restricted person had the night before is restricted too, until a decision of
-- its own lifts it). Not so who had been merged into a restricted person and comes out again with the records it brought along. Who came
-- out stays listed ('split') also while its id is retired: the id may come back.
CREATE OR REPLACE TEMP TABLE restricted AS
WITH decided AS (
    SELECT person_id AS asked_person_id, arg_max(action, (decided_at, action_id)) AS action FROM restrictions GROUP BY person_id
), active AS (
    SELECT * FROM decided WHERE action <> 'lift'
), lifted AS (
    SELECT asked_person_id AS person_id FROM decided WHERE action = 'lift'
), named AS (
    SELECT asked_person_id, asked_person_id AS person_id, 'id' AS reached_by FROM active
    UNION ALL
    SELECT asked_person_id, person_id, 'split' FROM previous_restricted WHERE reached_by = 'split' AND person_id NOT IN (SELECT person_id FROM lifted)
), followed AS (
    SELECT * FROM named
    UNION ALL
    SELECT n.asked_person_id, r.successor_id, 'id' FROM named n JOIN retired_ids r ON r.id = n.person_id AND r.kind = 'person' AND r.successor_id IS NOT NULL
), came_out AS (
    SELECT b.asked_person_id, c.person_now AS person_id
    FROM (SELECT asked_person_id, person_id FROM followed UNION SELECT asked_person_id, person_id FROM previous_restricted) b
    JOIN record_changes c ON c.person_before = b.person_id AND c.person_now <> c.person_before
    ANTI JOIN previous_former_records f ON f.person_id = c.person_now AND f.record_key = c.record_key
    WHERE c.person_now NOT IN (SELECT person_id FROM lifted)
), reached AS (
    SELECT * FROM followed
    UNION ALL
    SELECT asked_person_id, person_id, 'split' FROM came_out
)
SELECT r.person_id, r.asked_person_id, any_value(a.action) AS action, min(r.reached_by) AS reached_by,
       coalesce(min(p.since), CAST($night AS DATE)) AS since
FROM reached r JOIN active a USING (asked_person_id)
LEFT JOIN previous_restricted p USING (asked_person_id)
WHERE r.reached_by = 'split' OR r.person_id IN (SELECT person_id FROM persons)
GROUP BY r.person_id, r.asked_person_id;
