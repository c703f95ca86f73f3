-- Which records place a person in a household of tonight. A residence that only the family's records speak for has no record of the person's own.
CREATE OR REPLACE TEMP TABLE household_evidence AS
WITH said AS (
    SELECT 'hukou' AS family, household_number AS basis_key, person_id, record_key, observed_on FROM person_records
    WHERE feed = 'police_hukou' AND household_number IS NOT NULL AND coalesce(person_status, 'alive') = 'alive'
    UNION SELECT 'hukou', basis_key, person_id, record_key, observed_on FROM hukou_evidence
    UNION SELECT 'residence', dwelling, person_id, record_key, observed_on FROM residence_claims WHERE dwelling IS NOT NULL AND points > 0
), decided AS (
    SELECT 'hukou' AS family, person_id, basis_key, record_key FROM hukou_evidence
    UNION ALL SELECT 'residence', person_id, basis_key, record_key FROM residence_choices
)
SELECT i.household_id, s.person_id, s.family, s.record_key, any_value(s.observed_on) AS observed_on, bool_or(d.record_key IS NOT NULL) AS decided
FROM said s JOIN household_id_map i USING (family, basis_key) LEFT JOIN decided d USING (family, person_id, basis_key, record_key)
GROUP BY ALL;
