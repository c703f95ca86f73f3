-- Records that both the release and the truth know, with both their persons.
CREATE OR REPLACE TEMP TABLE matched AS
SELECT c.person_id, t.true_person_id FROM crosswalk c JOIN truth_records t USING (source, record_id);

CREATE OR REPLACE TEMP TABLE cells AS SELECT person_id, true_person_id, count(*) AS n FROM matched GROUP BY ALL;

-- The true person a register person stands for: the one most of its records belong to (the lesser id of equals).
CREATE OR REPLACE TEMP TABLE person_truth AS
SELECT person_id, true_person_id FROM cells
QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY n DESC, true_person_id) = 1;
