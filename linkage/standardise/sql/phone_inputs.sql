-- Distinct telephone cells.
CREATE OR REPLACE TEMP TABLE phone_inputs AS
SELECT phone AS text FROM raw_records WHERE phone IS NOT NULL
UNION SELECT contact_phone FROM raw_records WHERE contact_phone IS NOT NULL;
