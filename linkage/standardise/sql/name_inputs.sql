-- Distinct texts of all name fields.
CREATE OR REPLACE TEMP TABLE name_inputs AS
SELECT full_name AS text FROM raw_records WHERE full_name IS NOT NULL
UNION SELECT former_name FROM raw_records WHERE former_name IS NOT NULL
UNION SELECT head_name FROM raw_records WHERE head_name IS NOT NULL
UNION SELECT mother_name FROM raw_records WHERE mother_name IS NOT NULL
UNION SELECT spouse_name FROM raw_records WHERE spouse_name IS NOT NULL
UNION SELECT contact_name FROM raw_records WHERE contact_name IS NOT NULL;
