-- A record with a good number is as a rule a careful one: how often a name or a date is wrong must be learned where it matters, on records
-- without a number. So a label that spares them takes one numbered record of each group, not all; and a group with two good numbers is
-- no person but twins, or father and son. (Any feature may stand for the number.)
CREATE OR REPLACE TEMP MACRO sparing_label(label, number, unique_id) AS
    CASE WHEN min(number) OVER (PARTITION BY label) IS DISTINCT FROM max(number) OVER (PARTITION BY label) THEN NULL
         WHEN number IS NULL OR row_number() OVER (PARTITION BY label, number ORDER BY unique_id) = 1 THEN label END;
