-- Distinct texts of the coded fields per feed, with the rows they stand in.
CREATE OR REPLACE TEMP TABLE code_inputs AS
SELECT source, feed, field, text, count(*) AS rows
FROM (
    UNPIVOT (
        SELECT source, feed, sex, ethnicity, marital_status, relation_to_head, education, nationality, identity_kind,
            person_status, presence, tenure, household_kind, event_kind
        FROM raw_records
    ) ON sex, ethnicity, marital_status, relation_to_head, education, nationality, identity_kind,
         person_status, presence, tenure, household_kind, event_kind
    INTO NAME field VALUE text
)
GROUP BY source, feed, field, text;
