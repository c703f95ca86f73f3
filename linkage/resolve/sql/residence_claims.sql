-- Every record that says where its person lives, with the points of config/resolve.yaml (residence_evidence).
-- A dwelling is named by its code in the real-housing base; where only an address is written, by the code seen most often with that address.
CREATE OR REPLACE TEMP TABLE dwelling_codes AS
SELECT residence_dwelling_key AS dwelling_key, arg_max(dwelling_code, (n, dwelling_code)) AS dwelling_code
FROM (SELECT residence_dwelling_key, dwelling_code, count(*) AS n FROM person_records
      WHERE residence_dwelling_key IS NOT NULL AND dwelling_code IS NOT NULL GROUP BY ALL)
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE residence_claims AS
WITH said AS (
    SELECT p.*, e.points, e.use,
           CASE WHEN e.use = 'hukou' THEN p.hukou_dwelling_key ELSE p.residence_dwelling_key END AS claimed_key,
           CASE WHEN e.use = 'hukou' THEN NULL ELSE p.dwelling_code END AS claimed_code,
           CASE WHEN e.use = 'hukou' THEN p.hukou_building_key || ' ' || p.hukou_room ELSE p.residence_building_key || ' ' || p.residence_room END AS room_key
    FROM person_records p
    JOIN residence_evidence e ON e.feed = p.feed AND (e.presence IS NULL OR list_contains(e.presence, coalesce(p.presence, 'unsaid')))
    WHERE p.person_id NOT IN (FROM dead_persons) AND p.ended_on IS NULL AND coalesce(p.person_status, 'alive') = 'alive'
)
SELECT s.person_id, s.feed, coalesce(s.claimed_code, d.dwelling_code, s.claimed_key) AS dwelling, coalesce(s.claimed_code, d.dwelling_code) AS dwelling_code,
       s.room_key, s.points, s.use, CASE WHEN s.use = 'residence' THEN s.relation_to_head END AS relation_to_head, s.started_on, s.observed_on, s.record_key
FROM said s LEFT JOIN dwelling_codes d ON d.dwelling_key = s.claimed_key;

-- Points by person and dwelling: several records of one feed are one voice. Rounded, because a sum in another order differs in its last bits
-- and must not decide between two dwellings.
CREATE OR REPLACE TEMP TABLE own_points AS
SELECT person_id, dwelling, any_value(dwelling_code) AS dwelling_code, round(sum(points), 6) AS points
FROM (SELECT person_id, dwelling, feed, use, any_value(dwelling_code) AS dwelling_code, max(points) + least(min(points), 0) - least(max(points), 0) AS points
      FROM residence_claims WHERE dwelling IS NOT NULL GROUP BY person_id, dwelling, feed, use)
GROUP BY person_id, dwelling;
