-- What each record says of what is no golden field: status and households. The status is given by the record on which the rules of
-- person_status rest: for a death one of $death_certain if there is one, then the latest; for a departure the latest; for who is alive
-- the latest that somebody met the person for, or else is registered by.
CREATE OR REPLACE TEMP TABLE statements AS
WITH said AS (
    SELECT *, CASE says WHEN 'died' THEN 'deceased' WHEN 'left' THEN 'moved_away' ELSE 'alive' END AS value FROM status_evidence WHERE says <> 'nothing'
), ranked AS (
    SELECT s.*, row_number() OVER (
               PARTITION BY person_id, value
               ORDER BY says = 'died' AND feed IN (SELECT unnest($death_certain)) DESC, says = 'here' DESC,
                        CASE says WHEN 'left' THEN said_on ELSE observed_on END DESC NULLS LAST, source, record_id) AS place
    FROM said s
)
SELECT r.person_id, 'status' AS field, r.value, r.source, r.record_id, r.observed_on, r.place = 1 AND r.value = p.status AS won
FROM ranked r JOIN person_status p USING (person_id)
UNION ALL
SELECT e.person_id, e.family || '_household', e.household_id, split_part(e.record_key, ':', 1), substr(e.record_key, strpos(e.record_key, ':') + 1), e.observed_on, e.decided
FROM household_evidence e;
