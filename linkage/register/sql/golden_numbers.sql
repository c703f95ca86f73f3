-- Birth date and sex that the golden identity number says, if its grade is good enough to be believed.
CREATE OR REPLACE TEMP TABLE golden_numbers AS
SELECT g.person_id, any_value(r.identity_birth_date) AS birth_date, any_value(r.identity_sex) AS sex,
       arg_max(r.identity_kind, grade_rank(r.identity_grade, r.identity_kind)) AS identity_kind,
       arg_max(r.identity_grade, grade_rank(r.identity_grade, r.identity_kind)) AS identity_grade
FROM golden_values g JOIN person_records r ON r.person_id = g.person_id AND r.identity_number = g.value
WHERE g.field = 'identity_number' GROUP BY g.person_id;
