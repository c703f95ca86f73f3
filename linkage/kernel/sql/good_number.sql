-- A number that only one person can have: grade A, of a kind that is given once for a life.
CREATE OR REPLACE TEMP MACRO good_number(grade, kind, number) AS
    CASE WHEN grade = 'A' AND kind IN ('resident_id', 'hmt_residence_permit', 'foreign_permanent_resident') THEN number END;
